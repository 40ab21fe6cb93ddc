# What can be done here. Each recipe is one script: read it for the how.
.DEFAULT_GOAL := help
.PHONY: help demo test vm-test vm-shell build bench size lint setup clean

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## Set everything up, build, and watch processes start for some seconds
	@scripts/demo

test: ## Set everything up and run all tests; the kernel's as root, through sudo
	@scripts/test

vm-test: ## Run the kernel's tests on Debian's kernel, in a virtual machine
	@scripts/vm test

vm-shell: ## Open a shell in that machine
	@scripts/vm shell

build: ## Set up for building, and build ecli
	@scripts/build

size: ## Build what is shipped, and say how large it is
	@scripts/size

bench: ## Measure ecli beside native tools, in one table
	@scripts/bench

lint: ## Check formatting and lints: host crates, guests, scripts
	@scripts/lint

setup: ## Install what building and testing need
	@scripts/setup build test kernel

clean: ## Remove what was built, but not the guest toolchain in .cache/
	cargo clean --target-dir target
