# One static binary in an otherwise empty image. On Alpine, Rust links musl statically by itself, for whatever processor this runs on:
# `docker build --platform linux/arm64`, or deploy/image.sh, which adds the labels that say which version and commit this is.
FROM rust:1.95.0-alpine AS build
RUN apk add --no-cache ca-certificates gcc musl-dev
WORKDIR /build
COPY . .
# Nothing in the binary says where the dependencies were.
RUN RUSTFLAGS="--remap-path-prefix=$CARGO_HOME=/cargo" cargo build --release --locked --package crossorg

FROM scratch
LABEL org.opencontainers.image.title="crossorg" \
      org.opencontainers.image.description="Kubernetes operator for Datadog cross-organization visibility" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /build/target/release/crossorg /crossorg
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/crossorg"]
CMD ["run"]
