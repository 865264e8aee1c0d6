# SPDX-License-Identifier: Apache-2.0
# A short front door to meson. `make` builds, `make check` tests, `make help` lists the rest.
BUILD = build
prefix = /usr/local
FUZZ_SECONDS = 60

all: setup ## build into build/
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) -Dtests=false
	@ninja --quiet -C $(BUILD)

setup: ## install what is missing (packages, pinned parts)
	@tools/setup build

check: ## warnings as errors with gcc and clang, layers, sizes, format, every test
	@tools/setup build check
	@tools/check-run.sh

demo: all ## the main job on real data, explained step by step
	@tools/setup build demo
	@tools/demo.sh $(BUILD)

sweep: ## every test, each step of each sweep and the long soaks: an hour
	@tools/setup build check
	@test -f build-check/build.ninja || meson setup build-check -Dwerror=true
	@LARDER_TEST_LONG=1 tools/check-run.sh --quick build-check -t 6

asan: ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup build check
	@test -f build-asan/build.ninja || meson setup build-asan -Db_sanitize=address,undefined -Dwerror=true
	@tools/check-run.sh --quick build-asan

tsan: ## the tests under ThreadSanitizer
	@tools/setup build check
	@test -f build-tsan/build.ninja || meson setup build-tsan -Db_sanitize=thread -Dwerror=true
	@tools/check-run.sh --quick build-tsan

fuzz: ## each libFuzzer target for FUZZ_SECONDS
	@tools/setup build check fuzz
	@test -f build-fuzz/build.ninja || CC=clang-14 meson setup build-fuzz -Dfuzz=true -Dtests=false \
		-Db_sanitize=address,undefined -Db_lundef=false
	@ninja --quiet -C build-fuzz
	@tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

analyze: ## gcc -fanalyzer and clang-tidy
	@tools/setup build analyze
	@tools/analyze.sh

cover: ## which lines the tests reach
	@tools/setup build check cover
	@test -f build-cover/build.ninja || meson setup build-cover -Db_coverage=true
	@tools/check-run.sh --quick build-cover
	@ninja --quiet -C build-cover coverage-text && cat build-cover/meson-logs/coverage.txt

bench: release ## beside nginx, curl, aria2 and rclone: a table of ratios
	@tools/setup build bench
	@bench/run.sh build-release

release: setup
	@test -f build-release/build.ninja || meson setup build-release --buildtype=release \
		-Dfaults=false -Dtests=false -Dprefix=$(prefix)
	@ninja --quiet -C build-release

install: release ## into $(DESTDIR)$(prefix)
	@meson configure build-release -Dprefix=$(prefix)
	@DESTDIR=$(DESTDIR) meson install -C build-release

clean: ## remove what was built; .deps/ stays
	rm -rf build build-*

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s%s\n", $$1, $$2 }' Makefile

.PHONY: all setup check demo sweep asan tsan fuzz analyze cover bench release install clean help
