.DEFAULT_GOAL := help
BENCH ?= http
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

.PHONY: help build dev test lint bench clean

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Builds everything (Release)
	dotnet build MarchProxy.slnx -c Release -v q

dev: ## Builds and starts the demo on loopback
	dotnet build src/Host/MarchProxy.Cli -c Release -v q
	src/Host/MarchProxy.Cli/bin/Release/net10.0/marchproxy up --demo

test: ## Installs what tests need and runs every test
	@scripts/test-deps
	@scripts/run-tests

lint: ## Formatting and analysers; warnings are errors
	dotnet restore MarchProxy.slnx -v q
	dotnet format MarchProxy.slnx --no-restore --verify-no-changes --severity warn
	dotnet build MarchProxy.slnx --no-restore -v q

bench: ## Side by side with nginx and HAProxy (BENCH="all", "http", "bulk --rounds 3", ...; BENCH=help lists them)
	@scripts/test-deps
	dotnet build src/Host/MarchProxy.Cli -c Release -v q
	dotnet build bench/MarchProxy.Bench -c Release -v q
	bench/MarchProxy.Bench/bin/Release/net10.0/MarchProxy.Bench $(BENCH)

clean: ## Removes what was built
	rm -rf artifacts
	find src tests bench -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
