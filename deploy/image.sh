#!/bin/sh
# Builds a container image with docker, podman or buildah, whichever is there, and keeps it as an archive too, which it measures.
#
#   deploy/image.sh [PACKAGE]     crossorg, or datadog-double, which the end-to-end test needs
#
# IMAGE=NAME:TAG       its name; without it localhost/PACKAGE and the version in Cargo.toml
# HOST_BINARY=1        compile here, with cargo, and pull no base image; CA_ROOTS=FILE goes in instead of the host's own CA roots
# PLATFORM=linux/arm64 for another processor, where the builder can run its programs; not with HOST_BINARY
# ENGINE=PROGRAM       do not choose
set -eu
cd "$(dirname "$0")/.."

package=${1:-crossorg}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
image=${IMAGE:-localhost/$package:$version}
dockerfile=Dockerfile
[ "$package" = crossorg ] || dockerfile=crates/$package/Dockerfile
archive=target/image/$package-${image##*:}.tar
# More than 14 MB and 64 KiB are a mistake: a debug build, a shell. In bytes.
LARGEST_BINARY=14000000
LARGEST_REST=65536

fail() {
	echo "error: $*" >&2
	exit 1
}

# A docker without its daemon is no docker.
engine() {
	if docker info >/dev/null 2>&1; then echo docker
	elif command -v podman >/dev/null; then echo podman
	elif command -v buildah >/dev/null; then echo buildah
	else fail "nothing here builds images: install podman or buildah (apt-get install buildah), or docker and start its daemon"
	fi
}

# Compiles here, for this processor, and lays out what the last stage of the Dockerfile copies as its first stage would have it.
compile() {
	target=$(uname -m)-unknown-linux-musl
	roots=${CA_ROOTS:-$(first_file /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt)}
	[ -r "$roots" ] || fail "no CA roots here: install ca-certificates, or name a file with CA_ROOTS"
	command -v cargo >/dev/null || fail "no cargo here: install Rust with rustup, or leave HOST_BINARY out"
	case $(rustc -vV) in
	*-linux-musl*) ;; # Its own compiler is one for musl.
	*)
		command -v musl-gcc >/dev/null || fail "no C compiler for musl here: apt-get install musl-tools"
		export "CC_$(echo "$target" | tr - _)=musl-gcc"
		;;
	esac
	if command -v rustup >/dev/null; then rustup target add "$target" >&2; fi
	# Neither the place of the sources nor that of the dependencies is in the binary: two clones make the same.
	RUSTFLAGS="--remap-path-prefix=$PWD=/build --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" \
		cargo build --release --locked --package "$package" --target "$target" >&2
	rm -rf target/image/build
	mkdir -p target/image/build/build/target/release target/image/build/etc/ssl/certs
	cp "target/$target/release/$package" target/image/build/build/target/release/
	cp "$roots" target/image/build/etc/ssl/certs/ca-certificates.crt
}

first_file() {
	for file; do
		[ ! -r "$file" ] || { echo "$file"; return; }
	done
}

# What is in the archive, by `tar`: the files of all layers, which may be compressed, and whatever is no layer; against what it may be.
measure() {
	unpacked=$(mktemp -d)
	trap 'rm -rf "$unpacked"' EXIT
	tar -xf "$archive" -C "$unpacked"
	find "$unpacked" -type f | while read -r part; do tar -tvf "$part" 2>/dev/null || echo "no-layer $(wc -c <"$part")"; done |
		awk -v package="$package" -v binary_limit=$LARGEST_BINARY -v rest_limit=$LARGEST_REST '
			$1 == "no-layer" { rest += $2; next }
			$1 !~ /^-/ { next }
			$NF == package { binary = $3; next }
			$NF == "etc/ssl/certs/ca-certificates.crt" { roots = $3; next }
			{ stranger = $NF }
			END {
				printf "binary %d bytes, CA roots %d, everything else %d\n", binary, roots, rest
				if (stranger) { print "error: the image holds " stranger " too" > "/dev/stderr"; exit 1 }
				if (!binary) { print "error: the image holds no " package > "/dev/stderr"; exit 1 }
				if (binary > binary_limit) { print "error: the binary is larger than " binary_limit " bytes" > "/dev/stderr"; exit 1 }
				if (rest > rest_limit) { print "error: everything else is larger than " rest_limit " bytes" > "/dev/stderr"; exit 1 }
			}'
}

case ${image##*/} in
*:?*) ;;
*) fail "IMAGE has no tag: name it as IMAGE=${image%:}:$version" ;;
esac
engine=${ENGINE:-$(engine)}
mkdir -p target/image
set -- --file "$dockerfile" --tag "$image" --label "org.opencontainers.image.version=${image##*:}"
# The time and the name of the commit, not those of the build: the same sources make the same image.
if revision=$(git rev-parse HEAD 2>/dev/null); then
	epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
	set -- "$@" --label "org.opencontainers.image.revision=$revision"
	[ "$engine" = docker ] && export SOURCE_DATE_EPOCH="$epoch" || set -- "$@" --timestamp "$epoch"
fi
[ -z "${PLATFORM:-}" ] || set -- "$@" --platform "$PLATFORM"
if [ "${HOST_BINARY:-0}" != 0 ]; then
	compile
	set -- "$@" --build-context build=target/image/build
fi
rm -f "$archive"
case $engine in
buildah)
	# Needs no rights that a container lacks.
	BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} buildah build "$@" . >&2
	buildah push --quiet "$image" "docker-archive:$archive:$image" >&2
	;;
*)
	"$engine" build "$@" . >&2
	"$engine" save --output "$archive" "$image" >&2
	;;
esac
measure
echo "$image is built; its archive is $archive"
