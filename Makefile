# SPDX-License-Identifier: MIT
# provision: build, test, install. One word each; `make help` lists them.
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
V ?=
CC = gcc
MUSL_CC ?= musl-gcc

WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wvla -Wformat=2 -Wundef
OPT ?= -O2 -g
SANITIZE ?=
SAN = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
VERSION := $(shell cat VERSION)
# The commit it is built from; nothing outside git, as in a release's archive.
DESCRIBE := $(shell [ ! -e .git ] || git describe --always --dirty 2>/dev/null)
DEFS = -D_GNU_SOURCE -DPREFIX='"$(PREFIX)"' -DVERSION='"$(VERSION)"'
PIC = $(if $(SANITIZE),-fPIC)
CFLAGS_ALL = -std=c11 $(OPT) $(WARN) $(SAN) $(PIC) $(DEFS) -Iprovisioner $(CPPFLAGS) $(CFLAGS)
LIBS = -lyaml -ljansson -lssh2 -lgit2 -lpcre2-8 -lcrypto -lcrypt -lm -lidn2 -lunbound
# The agent: static, libc only. With sanitizers musl has no runtime for them, so then it is glibc's,
# the sanitizers linked in.
AGENT_STATIC_CC = $(if $(SANITIZE),$(CC),$(MUSL_CC))
MULTIARCH := $(shell gcc -print-multiarch)
# It travels to every new host, so it is built small.
AGENT_SMALL = -Os -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections
AGENT_STATIC_CFLAGS = $(if $(SANITIZE),,$(AGENT_SMALL) -idirafter /usr/include -idirafter /usr/include/$(MULTIARCH))
AGENT_STATIC_LDFLAGS = $(if $(SANITIZE),-static-libasan -static-libubsan,-static -s -Wl$(comma)--gc-sections)
comma = ,

LOW = base value host step resource mailhost wire agent
HIGH = net yaml jinja transport dns inventory mail site plan report fleet reference command
AGENT_SRC = $(filter-out provisioner/agent/main.c,$(wildcard $(LOW:%=provisioner/%/*.c)))
HIGH_SRC = $(wildcard $(HIGH:%=provisioner/%/*.c))
AGENT_OBJ = $(patsubst provisioner/%.c,$(BUILD)/agent/%.o,$(AGENT_SRC) provisioner/agent/main.c)
LIB_OBJ = $(patsubst provisioner/%.c,$(BUILD)/obj/%.o,$(AGENT_SRC) $(HIGH_SRC))
MAIN_OBJ = $(BUILD)/obj/main.o
UNIT = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))

# All processors, unless -j says otherwise. `make V=1` shows the commands.
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
silent = $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(V),,@$(if $(silent),,echo '$1 $(or $2,$@)';))

all: $(BUILD)/provision $(BUILD)/provision-agent

$(BUILD)/provision: $(MAIN_OBJ) $(LIB_OBJ)
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/provision-agent: $(AGENT_OBJ)
	$(call say,LD)$(AGENT_STATIC_CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(AGENT_STATIC_LDFLAGS)

$(BUILD)/obj/%.o: provisioner/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS_ALL) -DWITH_LIBCRYPTO -MMD -MP -c -o $@ $<

$(BUILD)/agent/%.o: provisioner/%.c
	@mkdir -p $(@D)
	$(call say,CC,$< (agent))$(AGENT_STATIC_CC) $(CFLAGS_ALL) $(AGENT_STATIC_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/transport/bootstrap.o: provisioner/transport/bootstrap.sh

# Another commit rebuilds one object only; nothing of it is in the agent, which is known by its content.
$(BUILD)/obj/command/version.o: DEFS += -DDESCRIBE='"$(DESCRIBE)"'
$(BUILD)/obj/command/version.o $(BUILD)/obj/net/http.o: VERSION
$(BUILD)/obj/command/version.o: $(BUILD)/describe
$(BUILD)/describe: FORCE
	@mkdir -p $(@D)
	@echo '$(DESCRIBE)' | cmp -s - $@ || echo '$(DESCRIBE)' >$@

# What is generated from the program's tables, by the program. The manual has the day of the commit.
man: export SOURCE_DATE_EPOCH ?= $(shell [ -e .git ] && git log -1 --format=%ct 2>/dev/null || date +%s)
man: $(BUILD)/provision
	@mkdir -p $(BUILD)/man
	$(call say,MAN,$(BUILD)/man)pages=$$($< doc --man) && for page in $$pages; do \
		$< doc --man $$page >$(BUILD)/man/$$page || exit 1; done
completions: $(BUILD)/provision
	@mkdir -p $(BUILD)/completions/bash $(BUILD)/completions/zsh $(BUILD)/completions/fish
	$(call say,GEN,$(BUILD)/completions)$< completion bash >$(BUILD)/completions/bash/provision && \
		$< completion zsh >$(BUILD)/completions/zsh/_provision && \
		$< completion fish >$(BUILD)/completions/fish/provision.fish
docs: $(BUILD)/provision
	tests/deps docs
	docs/render $< $(BUILD)/docs

# Unit tests: always with sanitizers, in a tree of their own.
unit:
	$(MAKE) BUILD=$(BUILD)/san SANITIZE=address,undefined unit-here
unit-here: all $(UNIT:%=$(BUILD)/unit/%)
	tests/unit/run $(BUILD)/unit
# They share one library, so that a changed line is linked once.
$(BUILD)/libprovision.so: $(LIB_OBJ)
	$(call say,LD)$(CC) $(CFLAGS_ALL) -shared -Wl,-Bsymbolic -o $@ $^ $(LIBS)
$(BUILD)/unit/filter.o: tests/unit/filter.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS_ALL) -c -o $@ $<
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/unit/filter.o | $(BUILD)/libprovision.so
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS_ALL) -MMD -MP -MF $@.d -MT $@ -o $@ $< $(BUILD)/unit/filter.o \
		-L$(BUILD) -lprovision -Wl,-rpath,$(abspath $(BUILD)) $(LIBS) -lcmocka

# The fuzzers, linked from one archive; tests/fuzz/run asks for them, in a tree of their own.
$(BUILD)/libprovision.a: $(LIB_OBJ)
	$(call say,AR)rm -f $@ && ar rcs $@ $^
$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/libprovision.a
	$(call say,CC,$<)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -MMD -MP -MF $@.d -MT $@ -o $@ $< \
		$(BUILD)/libprovision.a $(LIBS)

test:
	tests/deps test
	tests/run

# The same, and what takes too long for every change.
test-all:
	tests/deps test
	PROVISION_TEST_ALL=1 tests/run

demo:
	tests/deps test
	$(MAKE) -s all
	tests/demo

bench:
	tests/deps bench
	$(MAKE) -s all
	tests/bench/run $(if $(BEFORE),--before $(BEFORE))

lint:
	tests/deps lint
	tests/lint/run

fuzz:
	tests/deps lint
	tests/fuzz/run

# Which share of small changes to the source do the unit tests notice? MUTATE=60 MUTATE_SEED=1
mutate:
	tests/deps test
	tests/mutate

# The program, its agent where the program looks for it, the roles, the manual, and what shells
# complete with.
SHARE = $(DESTDIR)$(PREFIX)/share
# zsh looks for completions of packages in a folder of their own.
ZSH = $(SHARE)/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
install: all man completions
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/provision $(SHARE)/provision/roles \
		$(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/bash-completion/completions \
		$(ZSH) $(SHARE)/fish/vendor_completions.d
	install -m 0755 $(BUILD)/provision $(DESTDIR)$(PREFIX)/bin/provision
	install -m 0755 $(BUILD)/provision-agent $(DESTDIR)$(PREFIX)/lib/provision/provision-agent
	cp -R roles/. $(SHARE)/provision/roles/
	install -m 0644 $(BUILD)/man/*.1 $(SHARE)/man/man1/
	install -m 0644 $(BUILD)/man/*.5 $(SHARE)/man/man5/
	install -m 0644 $(BUILD)/completions/bash/provision $(SHARE)/bash-completion/completions/
	install -m 0644 $(BUILD)/completions/zsh/_provision $(ZSH)/
	install -m 0644 $(BUILD)/completions/fish/provision.fish $(SHARE)/fish/vendor_completions.d/

# A Debian package, into $(BUILD)/deb.
deb:
	tests/deps deb
	packaging/deb $(VERSION) $(BUILD)/deb

help:
	@echo 'make            build/provision and its agent'
	@echo '                V=1 shows the commands; CC=clang builds with clang; -j1 uses one processor'
	@echo 'make demo       a mail server on a throwaway host, from nothing to a message read'
	@echo 'make unit       the unit tests alone, under ASan and UBSan'
	@echo 'make test       the tests, those on real hosts too'
	@echo 'make test-all   all of those, and the tests that take too long for every change'
	@echo 'make bench      measured beside ssh, apt-get and ansible-playbook; BEFORE=DIR: and an older build'
	@echo 'make lint       licences, floors, headers, ceilings, style, format, shellcheck, clang-tidy'
	@echo 'make fuzz       the parsers of what comes from outside, by libFuzzer'
	@echo 'make mutate     changes the source in small ways: do the unit tests notice?'
	@echo 'make man        build/man: the manual, from the tables of commands, options and keys'
	@echo 'make completions'
	@echo '                build/completions: for bash, zsh and fish, from the same tables'
	@echo 'make docs       build/docs: the documents and the reference as HTML, links checked'
	@echo 'make install    PREFIX=/usr/local, DESTDIR='
	@echo 'make deb        a Debian package, in build/deb'

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: FORCE man completions docs all unit unit-here test test-all demo bench lint fuzz mutate install deb help clean
.DELETE_ON_ERROR:
