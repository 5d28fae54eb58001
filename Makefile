# What there is to do here. It needs Rust, Go, a C compiler and make; everything else is built from source, once.

XTASK   := cargo run --package xtask --
DENY    := cargo deny check bans licenses sources

.PHONY: help demo test crash simulate wrong check deny generate image e2e

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: ## Run the operator between a real control plane and a double of Datadog, until Ctrl-C; EXIT=1: end by itself
	@echo "building the demo; the first time that takes minutes"
	$(XTASK) demo $(if $(filter-out 0,$(EXIT)),--exit)

test: ## Run all tests, on a real control plane that is built first if it has to be
	@echo "looking for the control plane and for Helm; what is missing is built once, in about ten minutes each"
	$(XTASK) controlplane ensure
	$(XTASK) helm
	cargo test --workspace -- --test-threads 4
	$(XTASK) wrong --net simulation

crash: ## Interrupt the operator at every write of every scenario, in every way: about ten minutes
	$(XTASK) controlplane ensure
	CROSSORG_SWEEP=all cargo test --package crossorg --test it sweep:: -- --test-threads 1

simulate: ## Run the operator's real code in virtual time under SEEDS=n seeds (100), or one SEED=n
	CROSSORG_SEEDS=$(or $(SEEDS),100) $(if $(SEED),CROSSORG_SEED=$(SEED)) cargo test --package crossorg --test sim seeds -- --nocapture

wrong: ## Let deliberately wrong operators loose on the tests, which have to catch every one of them: a few minutes
	$(XTASK) controlplane ensure
	$(XTASK) wrong

check: ## Format, lints, documentation, generated files, rules of the sources; `make deny` too where cargo-deny is installed
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps
	$(XTASK) generate --check
	$(XTASK) check-sources
	@if cargo deny --version >/dev/null 2>&1; then $(DENY); else echo "cargo-deny is not installed: dependencies are not checked"; fi

deny: ## Check bans, licences and sources of the dependencies; needs `cargo install --locked cargo-deny`
	$(DENY)

generate: ## Write the files that follow from the code: CRDs, API reference, access rights, chart, install manifest (Helm is built once)
	$(XTASK) generate

image: ## Build the container image with docker, podman or buildah; HOST_BINARY=1: compile here, pull no base image
	deploy/image.sh

e2e: ## Take image and chart through their whole life on a cluster that runs pods: KUBECONFIG and LOAD_IMAGE say which
	$(XTASK) e2e
