# One file builds everything. Objects go to build/ (or build/VARIANT), never beside the sources.
# `make help` lists what there is.

VARIANT ?=
BUILD := build$(if $(VARIANT),/$(VARIANT))
PREFIX ?= /usr/local
E2E_JOBS ?= 3
DESTDIR ?=
PYTHON ?= /usr/bin/python3
VERSION := 0.1.0

CC ?= gcc
FUZZ_CC ?= clang
PACKAGES := glib-2.0 libgit2 libcurl libzmq jansson yaml-0.1 libprotobuf-c libsodium
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum \
	-Wformat=2 -Wcast-align -Wpointer-arith -Wundef -Wconversion -Wwrite-strings -Wno-missing-field-initializers
OPTIMIZE := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
ifeq ($(VARIANT),asan)
OPTIMIZE := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif
ifeq ($(VARIANT),tsan)
OPTIMIZE := -O1 -fsanitize=thread -fno-omit-frame-pointer
endif
ifeq ($(VARIANT),fuzz)
OPTIMIZE := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif
ifeq ($(VARIANT),coverage)
OPTIMIZE := -O0 --coverage
endif

# Include paths of libraries are system paths: their headers are not ours to warn about.
PACKAGE_CFLAGS = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
PACKAGE_LIBS = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lrocksdb -lpthread -lm
CPPFLAGS += -D_GNU_SOURCE -DFORGE_VERSION='"$(VERSION)"' -DG_LOG_DOMAIN='"forge"' -I. -isystem $(BUILD)/generated
CFLAGS += -std=gnu11 -g $(OPTIMIZE) $(WARNINGS) $(if $(WERROR),-Werror)
LDFLAGS += $(OPTIMIZE) $(if $(VARIANT),,-pie)

WORKER := git merge remote store content fork document component resolve workspace dependency sync
LAYERS := journal/base journal queue scheduler worker $(WORKER:%=worker/%) cli
PROTOS := journal/events queue/messages scheduler/image
GENERATED_C := $(PROTOS:%=$(BUILD)/generated/%.pb-c.c)
GENERATED_H := $(GENERATED_C:.c=.h)
SOURCES := $(filter-out cli/main.c,$(wildcard $(LAYERS:%=%/*.c)))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(PROTOS:%=$(BUILD)/generated/%.pb-c.o)
LIBRARY := $(BUILD)/libforge.a
# What several tests share: servers, fixtures, the rooms of the simulation. An archive, so that each test takes what it uses.
TEST_FOLDERS := tests/unit tests/support tests/simulation tests/bench
TEST_SUPPORT_C := $(foreach folder,$(TEST_FOLDERS),$(filter-out $(folder)/test_% $(folder)/bench_%,$(wildcard $(folder)/*.c)))
TEST_SUPPORT := $(BUILD)/tests/libsupport.a
ifeq ($(VARIANT),tsan)
TEST_RUNTIME := $(BUILD)/tests/tsan_glib.o
endif
UNIT_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c tests/simulation/test_*.c))
FORMATTED = $(wildcard $(foreach folder,$(LAYERS) tests $(TEST_FOLDERS) tests/bench tests/fuzz,$(folder)/*.[ch]))
FUZZ_TARGETS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SHARED := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/fuzz/fuzz_% tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
# Under libFuzzer its main drives a target; else replay.c gives it every file of its corpus.
FUZZ_DRIVER := $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,$(BUILD)/tests/fuzz/replay.o)
BENCHES := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/bench_*.c))

SHELLS := bash zsh fish
# Where each shell looks for what completes commands, below share/.
COMPLETION_bash := bash-completion/completions/forge
COMPLETION_zsh := zsh/site-functions/_forge
COMPLETION_fish := fish/vendor_completions.d/forge.fish
SHARE = $(DESTDIR)$(PREFIX)/share
UNITS := deploy/forge-scheduler.service deploy/forge-worker.service

.PHONY: help all man install uninstall deps demo check unit e2e lint fmt asan tsan fuzz fuzz-targets bench bench-merge clean
.DEFAULT_GOAL := all
.SECONDARY:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

all: $(BUILD)/forge ## build build/forge

$(BUILD)/forge: $(BUILD)/cli/main.o $(LIBRARY)
	$(CC) $(LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/generated/%.pb-c.c $(BUILD)/generated/%.pb-c.h &: %.proto
	@mkdir -p $(BUILD)/generated
	protoc-c -I. --c_out=$(BUILD)/generated $<

$(BUILD)/generated/%.o: $(BUILD)/generated/%.c $(GENERATED_H)
	$(CC) $(CPPFLAGS) -std=gnu11 -g $(OPTIMIZE) -w $(PACKAGE_CFLAGS) -c -o $@ $<

# -MD, not -MMD: the generated headers are found by -isystem and count.
$(BUILD)/%.o: %.c | $(GENERATED_H)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(PACKAGE_CFLAGS) -MD -MP -c -o $@ $<

$(TEST_SUPPORT): $(TEST_SUPPORT_C:%.c=$(BUILD)/%.o)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_RUNTIME) $(TEST_SUPPORT) $(LIBRARY)
	$(CC) $(LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

$(FUZZ_TARGETS): %: %.o $(FUZZ_SHARED) $(filter %.o,$(FUZZ_DRIVER)) $(TEST_RUNTIME) $(TEST_SUPPORT) $(LIBRARY)
	$(CC) $(LDFLAGS) -o $@ $^ $(filter-out %.o,$(FUZZ_DRIVER)) $(PACKAGE_LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

deps: ## install the packages that are missing
	@./tests/deps.sh

demo: deps ## start a git server with forks on loopback and sync them
	@$(MAKE) --no-print-directory all
	@FORGE=$(CURDIR)/$(BUILD)/forge $(PYTHON) tests/demo.py

check: deps ## set up what is missing, then run every test
	@$(MAKE) --no-print-directory --keep-going unit e2e WERROR=1

unit: all $(UNIT_TESTS) $(FUZZ_TARGETS) ## unit tests, the simulation and the fuzz corpora alone
	prove --jobs 2 --exec tests/tap.sh $(UNIT_TESTS) $(FUZZ_TARGETS)

e2e: all ## end-to-end tests alone
	FORGE=$(CURDIR)/$(BUILD)/forge $(PYTHON) -m pytest -q -rs -p no:cacheprovider --numprocesses $(E2E_JOBS) tests/e2e

bench: ## measure; prints JSON lines
	@$(MAKE) --no-print-directory all $(BENCHES) >&2
	@for bench in $(BENCHES); do FORGE=$(CURDIR)/$(BUILD)/forge $$bench || exit 1; done
	@for bench in fleet fleet_shared workspace dependencies; do FORGE=$(CURDIR)/$(BUILD)/forge $(PYTHON) tests/bench/$$bench.py || exit 1; done

bench-merge: all ## merge a repository's conflicted files again: make bench-merge REPOSITORY=DIR
	@FORGE=$(CURDIR)/$(BUILD)/forge $(PYTHON) tests/bench/merge_files.py $(REPOSITORY)

lint: ## layers, doors, banned functions, sizes, format, cppcheck, clang's warnings
	$(PYTHON) tests/lint.py
	clang-format --dry-run --Werror $(FORMATTED)
	cppcheck --quiet --std=c11 --library=gtk --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=memleak --error-exitcode=1 \
		-D_GNU_SOURCE -I. journal queue scheduler worker cli
	$(MAKE) --no-print-directory all CC=clang VARIANT=clang WERROR=1

fmt: ## format the C sources
	clang-format -i $(FORMATTED)

asan: ## unit tests under the address and undefined-behaviour sanitizers
	$(MAKE) --no-print-directory unit VARIANT=asan

tsan: ## unit tests under the thread sanitizer
	G_SLICE=always-malloc TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.supp $(MAKE) --no-print-directory unit VARIANT=tsan

man: all ## write the manual pages to build/man
	@rm -rf $(BUILD)/man
	$(BUILD)/forge plumbing man $(BUILD)/man

fuzz: ## fuzz every target for SECONDS (10) under the sanitizers
	$(MAKE) --no-print-directory fuzz-targets VARIANT=fuzz CC="$(FUZZ_CC)"
	@tests/fuzz/run.sh build/fuzz $(or $(SECONDS),10)

fuzz-targets: $(FUZZ_TARGETS)

install: all man ## install below PREFIX (and DESTDIR)
	install -D -m 755 $(BUILD)/forge $(DESTDIR)$(PREFIX)/bin/forge
	install -d $(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/doc/forge
	install -m 644 $(BUILD)/man/*.1 $(SHARE)/man/man1
	install -m 644 $(BUILD)/man/*.5 $(SHARE)/man/man5
	install -m 644 deploy/config.yaml deploy/README.md $(SHARE)/doc/forge
	$(foreach shell,$(SHELLS),install -d $(SHARE)/$(dir $(COMPLETION_$(shell))) && \
		$(BUILD)/forge completion $(shell) > $(SHARE)/$(COMPLETION_$(shell)) &&) true
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for unit in $(notdir $(UNITS)); do sed 's,/usr/local/bin/forge,$(PREFIX)/bin/forge,' deploy/$$unit \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit || exit 1; done

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/forge $(SHARE)/man/man1/forge.1 $(SHARE)/man/man1/forge-*.1 $(SHARE)/man/man5/forge-config.5
	rm -f $(foreach shell,$(SHELLS),$(SHARE)/$(COMPLETION_$(shell)))
	rm -f $(foreach unit,$(notdir $(UNITS)),$(DESTDIR)$(PREFIX)/lib/systemd/system/$(unit))
	rm -rf $(SHARE)/doc/forge

clean: ## remove build/
	rm -rf build
