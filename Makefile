# modqd. `make help` says what there is to make.

VERSION  = 0.2.0
SOVERSION = 0
VARIANT  = release
B        = build/$(VARIANT)

PREFIX   = /usr/local
prefix   = $(PREFIX)
bindir   = $(prefix)/bin
sbindir  = $(prefix)/sbin
libdir   = $(prefix)/lib
includedir = $(prefix)/include
datadir  = $(prefix)/share
mandir   = $(datadir)/man
sysconfdir = $(if $(filter /usr,$(prefix)),/etc,$(prefix)/etc)
unitdir  = $(prefix)/lib/systemd/system
docdir   = $(datadir)/doc/modqd
bashdir  = $(datadir)/bash-completion/completions
# where Debian's zsh looks for what packages and what administrators bring, and where every zsh looks
zshdir   = $(datadir)/zsh/$(if $(filter /usr,$(prefix)),vendor-completions,site-functions)
fishdir  = $(datadir)/fish/vendor_completions.d
DESTDIR  =

CC       = gcc
PYTHON   = /usr/bin/python3
INSTALL  = install

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2 -Wvla -Wundef
HARDEN   = -fstack-protector-strong -fPIC

flags_release = -O2 -g -D_FORTIFY_SOURCE=2
flags_asan    = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
flags_ubsan   = -O1 -g -fno-omit-frame-pointer -fsanitize=undefined -fno-sanitize-recover=undefined
flags_tsan    = -O1 -g -fno-omit-frame-pointer -fsanitize=thread
flags_fuzz    = -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
                -fno-sanitize-recover=undefined -Wno-format-nonliteral
ifeq ($(flags_$(VARIANT)),)
$(error VARIANT=$(VARIANT) is unknown; there are release, asan, ubsan, tsan and fuzz)
endif
ifeq ($(VARIANT),fuzz)
CC       = clang
endif

CFLAGS   =
LDFLAGS  =
ALL_CFLAGS  = -std=gnu11 -D_GNU_SOURCE -DMODQ_VERSION='"$(VERSION)"' -I. -MMD -MP -pthread \
              $(WARNINGS) $(HARDEN) $(flags_$(VARIANT)) $(CFLAGS)
ALL_LDFLAGS = -pthread -Wl,-z,relro,-z,now $(filter -fsanitize=%,$(flags_$(VARIANT))) $(LDFLAGS)

DAEMON_LIBS = -lzmq -lmsgpackc -lsqlite3 -lnettle -lconfuse -lsystemd -lmicrohttpd -lutf8proc
CLIENT_LIBS = -lzmq -lmsgpackc
STORE_LIBS  = -lsqlite3
CLI_LIBS    = -ljansson -lutf8proc -lncursesw -ltinfo -lfribidi

# Sources are found, not listed: a new file needs no edit here.
proto_src  := $(wildcard proto/*.c)
daemon_src := $(wildcard daemon/*.c daemon/*/*.c)
client_src := $(wildcard clients/c/*.c)
cli_src    := $(wildcard clients/cli/*.c clients/cli/*/*.c)
testlib_src := $(filter-out tests/lib/sabotage%.c,$(wildcard tests/lib/*.c)) tests/unit/unit.c
unit_src   := $(wildcard tests/unit/test_*.c)
fuzz_src   := $(wildcard tests/fuzz/fuzz_*.c)
bench_src  := $(wildcard tests/bench/*.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
daemon_lib_obj = $(filter-out $(B)/obj/daemon/main.o,$(call obj,$(daemon_src))) $(B)/obj/policy_text.o
cli_lib_obj    = $(filter-out $(B)/obj/clients/cli/main.o,$(call obj,$(cli_src))) $(B)/obj/completion_text.o $(B)/obj/page_text.o

.PHONY: all check check-san check-systemd check-web check-wordpress wordpress-plugin demo demo-web run screenshots bench fuzz fuzz-corpus \
        fuzzers lint format setup setup-demo tests install uninstall deb clean help
all: $(B)/modqd $(B)/modq $(B)/libmodq.a $(B)/libmodq.so

help:
	@echo 'make demo        play sample comments through the whole path (CORPORA=DIR: real ones)'
	@echo 'make demo-web    a newspaper'"'"'s page with its comments, to try in two browsers and a terminal'
	@echo 'make check       build and run every test (T=word: those whose name holds it)'
	@echo 'make run         start the daemon in ./var and say what to type in a second terminal'
	@echo 'make             build build/release/modqd, modq and libmodq (VARIANT=asan|ubsan|tsan)'
	@echo 'make check-san   the tests under AddressSanitizer and UBSan, but those that say nothing of memory'
	@echo 'make check-web   the example page of clients/node/example, in browsers (T=word: files whose name holds it)'
	@echo 'make check-systemd  the Debian packages under a real systemd, in a container (needs root; T=word: checks_*.py whose name holds it)'
	@echo 'make check-wordpress  the WordPress plugin, in a WordPress of its own (needs root)'
	@echo 'make wordpress-plugin  the plugin as a zip file, in build'
	@echo 'make fuzz        any bytes at codec, requests, configuration, policy, ZAP and libmodq (FUZZ_SECONDS=60 each)'
	@echo 'make fuzz-corpus add what make fuzz found to the kept inputs, which make check runs again'
	@echo 'make lint        clang-tidy, cppcheck, clang-format, include direction, shell and Python'
	@echo 'make bench       measure, beside a bare store and an echo server (docs/performance.md)'
	@echo 'make install     to DESTDIR and prefix ($(prefix)); make uninstall takes it away again'
	@echo 'make deb         Debian packages, in build/deb'
	@echo 'make screenshots take the pictures of docs/images anew'
	@echo 'make setup       only install the packages that the others need'

# objects

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/obj/clients/c/%.o: ALL_CFLAGS += -fvisibility=hidden

# Texts that programs carry with them are readable files: the default policy, what completes in each shell, a page's style.
# $(call text,NAME,FILE) is C that defines NAME as the file's text.
text = echo 'const char $(1)[] ='; sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $(2); echo ';'

$(B)/obj/policy_text.c: daemon/policy/house-rules.conf Makefile
	@mkdir -p $(@D)
	@{ echo '#include "daemon/policy/policy.h"'; $(call text,policy_default_text,$<); } > $@

completions = $(addprefix clients/cli/modq.,bash zsh fish)
$(B)/obj/completion_text.c: $(completions) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "clients/cli/completion.h"'; \
	  $(foreach file,$(completions),$(call text,completion$(subst .,_,$(suffix $(file)))_text,$(file));) } > $@

$(B)/obj/page_text.c: clients/cli/page.css Makefile
	@mkdir -p $(@D)
	@{ echo '#include "clients/cli/page.h"'; $(call text,page_style_text,$<); } > $@

$(B)/obj/%_text.o: $(B)/obj/%_text.c
	$(CC) $(ALL_CFLAGS) -c $< -o $@

# PROTOCOL.md is the only source of modq-protocol(7). Empty: install goes without the page, and without lowdown.
PROTOCOL_MANUAL = $(B)/modq-protocol.7
$(B)/modq-protocol.7: proto/manual.sh proto/manual.awk proto/PROTOCOL.md
	@mkdir -p $(@D)
	@proto/manual.sh $(VERSION) > $@.new && mv $@.new $@

# programs and libraries

$(B)/libmodq.a: $(call obj,$(client_src) $(proto_src))
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libmodq.so: $(call obj,$(client_src) $(proto_src)) clients/c/modq.map
	$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libmodq.so.$(SOVERSION) -Wl,--version-script=clients/c/modq.map \
	  -o $@ $(filter %.o,$^) $(CLIENT_LIBS) $(STORE_LIBS)

$(B)/libdaemon.a: $(daemon_lib_obj)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libcli.a: $(cli_lib_obj)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/modqd: $(B)/obj/daemon/main.o $(B)/libdaemon.a $(B)/libmodq.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(B)/modq: $(B)/obj/clients/cli/main.o $(B)/libcli.a $(B)/libmodq.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CLIENT_LIBS) $(CLI_LIBS)

# Made by the program, from its tables of verbs and options.
completion_files = $(addprefix $(B)/completion/modq.,bash zsh fish)
$(B)/completion/modq.%: $(B)/modq
	@mkdir -p $(@D)
	@$(B)/modq completion $* > $@.new && mv $@.new $@

# tests

$(B)/libtests.a: $(call obj,$(testlib_src))
	@rm -f $@
	$(AR) rcs $@ $^

unit_bin  = $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(unit_src))
bench_bin = $(B)/tests/bench/bench
fuzz_bin  = $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(fuzz_src))
sabotaged = $(if $(wildcard tests/lib/sabotage.c),$(B)/modqd-sabotaged)

$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(B)/libtests.a $(B)/libdaemon.a $(B)/libcli.a $(B)/libmodq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(B)/obj/tests/unit/unit.o $(filter %.a,$^) -lcmocka $(DAEMON_LIBS) $(CLI_LIBS)

# libFuzzer brings a main of its own; elsewhere the kept inputs are run again. What looks at the machine is put aside.
fuzz_main = $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,$(B)/obj/tests/fuzz/replay.o)
$(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/fuzz.o $(B)/obj/tests/fuzz/replay.o \
                   $(B)/libtests.a $(B)/libdaemon.a $(B)/libmodq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -Wl,--wrap=confuse_text_read,--wrap=now_ms -o $@ $< $(B)/obj/tests/fuzz/fuzz.o $(fuzz_main) \
	  $(filter %.a,$^) $(DAEMON_LIBS) -ljansson

$(bench_bin): $(call obj,$(bench_src)) $(B)/libdaemon.a $(B)/libmodq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) -lm

# A daemon with one fault put in on purpose, to show that the tests find it (tests/lib/sabotage.c).
$(B)/modqd-sabotaged: $(B)/obj/daemon/main.o $(call obj,$(wildcard tests/lib/sabotage*.c)) $(B)/libdaemon.a $(B)/libmodq.a
	$(CC) $(ALL_LDFLAGS) -Wl,--wrap=store_sqlite_open -o $@ $^ $(DAEMON_LIBS)

# libmodq as the conformance suite drives it, with what is not in its header.
conformance_bin = $(B)/conformance-c
$(conformance_bin): $(B)/obj/tests/conformance/drivers/c.o $(B)/libmodq.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CLIENT_LIBS) $(STORE_LIBS) -ljansson

tests: all $(unit_bin) $(fuzz_bin) $(bench_bin) $(sabotaged) $(conformance_bin)

fuzzers: $(fuzz_bin)
	@:

setup:
	@tests/lib/setup.sh

setup-demo:
	@tests/lib/setup.sh --demo

# What a package.json asks for. No lock file is kept: versions are exact in package.json. Tests that run at the same time ask for the
# same packages: one installs, the others wait for it.
%/node_modules/.installed: %/package.json
	@command -v npm > /dev/null || tests/lib/setup.sh --demo nodejs npm
	@cd $* && flock package.json sh -c '{ [ node_modules/.installed -nt package.json ] || \
	  npm install --no-package-lock --no-audit --no-fund --loglevel=error; } && touch node_modules/.installed'

# What a target needs beyond make itself is installed first, and only then looked for.
T =
CORES = $(shell nproc)
check: setup
	@$(MAKE) --no-print-directory -j$(CORES) tests clients/node/node_modules/.installed VARIANT=$(VARIANT)
	@$(PYTHON) tests/run --build $(B) $(if $(T),--filter '$(T)')

check-san:
	@$(MAKE) --no-print-directory check VARIANT=asan T='$(T)'

CORPORA =
demo: setup-demo
	@$(MAKE) --no-print-directory all VARIANT=$(VARIANT)
	@$(PYTHON) tests/demo --build $(B) $(if $(CORPORA),--corpora '$(CORPORA)')

# The page of clients/node/example. The packages that it links to come first.
WEB_PACKAGES = clients/node/node_modules/.installed clients/node/example/node_modules/.installed
clients/node/example/node_modules/.installed: clients/node/node_modules/.installed

demo-web: setup-demo
	@$(MAKE) --no-print-directory all $(WEB_PACKAGES) VARIANT=$(VARIANT)
	@node clients/node/example/demo.js $(B)

check-web: setup
	@$(MAKE) --no-print-directory all $(WEB_PACKAGES) tests/browser/node_modules/.installed VARIANT=$(VARIANT)
	@MODQ_BUILD=$(B) tests/web/run $(T)

run: setup-demo
	@$(MAKE) --no-print-directory all VARIANT=$(VARIANT)
	@tests/lib/run.sh $(B)

screenshots: setup
	@tests/lib/setup.sh xterm xvfb xdotool imagemagick fonts-dejavu-core
	@$(MAKE) --no-print-directory all VARIANT=$(VARIANT)
	@$(PYTHON) tests/screenshots --build $(B)
	@$(MAKE) --no-print-directory $(WEB_PACKAGES) tests/browser/node_modules/.installed
	@MODQ_BUILD=$(B) tests/web/pictures

bench: setup
	@$(MAKE) --no-print-directory tests clients/node/node_modules/.installed VARIANT=release
	@$(PYTHON) tests/bench/run --build build/release

FUZZ_SECONDS = 60
fuzz fuzz-corpus: setup
	@$(MAKE) --no-print-directory -j$(CORES) fuzzers VARIANT=fuzz
	@$(PYTHON) tests/fuzz/run --build build/fuzz --seconds $(FUZZ_SECONDS) --jobs $(CORES) $(if $(T),--filter '$(T)') \
	  $(if $(filter fuzz-corpus,$@),--keep)

lint: setup
	@tests/lint/run

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

# Paths in units and manual pages are those of prefix=/usr; elsewhere they are rewritten.
place = sed -e 's|/usr/sbin/modqd|$(sbindir)/modqd|g' -e 's|/usr/bin/modq |$(bindir)/modq |g' \
        -e 's|/etc/modqd/|$(sysconfdir)/modqd/|g' -e 's|/usr/share/doc/modqd|$(docdir)|g' $(1) | $(INSTALL) -m 644 /dev/stdin $(2)
systemd = $(DESTDIR)$(prefix)/lib

install: all $(PROTOCOL_MANUAL) $(completion_files)
	$(INSTALL) -d $(DESTDIR)$(sbindir) $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(includedir)
	$(INSTALL) -d $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man3 $(DESTDIR)$(mandir)/man5 $(DESTDIR)$(mandir)/man7 $(DESTDIR)$(mandir)/man8
	$(INSTALL) -d $(DESTDIR)$(datadir)/modqd $(DESTDIR)$(bashdir) $(DESTDIR)$(zshdir) $(DESTDIR)$(fishdir)
	$(INSTALL) -m 755 $(B)/modqd $(DESTDIR)$(sbindir)/modqd
	$(INSTALL) -m 755 $(B)/modq $(DESTDIR)$(bindir)/modq
	$(INSTALL) -m 644 $(B)/libmodq.a $(DESTDIR)$(libdir)/libmodq.a
	$(INSTALL) -m 644 $(B)/libmodq.so $(DESTDIR)$(libdir)/libmodq.so.$(SOVERSION)
	ln -sf libmodq.so.$(SOVERSION) $(DESTDIR)$(libdir)/libmodq.so
	$(INSTALL) -m 644 clients/c/modq.h $(DESTDIR)$(includedir)/modq.h
	sed -e 's|@prefix@|$(prefix)|g' -e 's|@libdir@|$(libdir)|g' -e 's|@includedir@|$(includedir)|g' \
	  -e 's|@version@|$(VERSION)|g' clients/c/modq.pc.in > $(DESTDIR)$(libdir)/pkgconfig/modq.pc
	$(INSTALL) -m 644 daemon/policy/house-rules.conf $(DESTDIR)$(datadir)/modqd/house-rules.conf
	$(INSTALL) -d $(DESTDIR)$(datadir)/modqd/monitoring
	$(INSTALL) -m 644 $(wildcard docs/monitoring/*) $(DESTDIR)$(datadir)/modqd/monitoring
	$(INSTALL) -m 644 clients/cli/modq.1 $(DESTDIR)$(mandir)/man1/modq.1
	$(INSTALL) -m 644 clients/c/libmodq.3 $(DESTDIR)$(mandir)/man3/libmodq.3
	$(INSTALL) -m 644 daemon/modqd.conf.5 $(DESTDIR)$(mandir)/man5/modqd.conf.5
	$(if $(PROTOCOL_MANUAL),$(INSTALL) -m 644 $(PROTOCOL_MANUAL) $(DESTDIR)$(mandir)/man7/modq-protocol.7)
	$(INSTALL) -m 644 daemon/modqd.8 $(DESTDIR)$(mandir)/man8/modqd.8
	$(INSTALL) -m 644 $(B)/completion/modq.bash $(DESTDIR)$(bashdir)/modq
	$(INSTALL) -m 644 $(B)/completion/modq.zsh $(DESTDIR)$(zshdir)/_modq
	$(INSTALL) -m 644 $(B)/completion/modq.fish $(DESTDIR)$(fishdir)/modq.fish
	$(INSTALL) -d $(DESTDIR)$(unitdir) $(systemd)/sysusers.d $(systemd)/tmpfiles.d $(systemd)/systemd/catalog
	$(INSTALL) -d $(DESTDIR)$(sysconfdir)/modqd $(DESTDIR)$(docdir)/examples
	for unit in systemd/*.service systemd/*.socket; do $(call place,$$unit,$(DESTDIR)$(unitdir)/$${unit##*/}); done
	$(INSTALL) -m 644 systemd/sysusers.conf $(systemd)/sysusers.d/modqd.conf
	$(INSTALL) -m 644 systemd/tmpfiles.conf $(systemd)/tmpfiles.d/modqd.conf
	$(INSTALL) -m 644 systemd/modqd.catalog $(systemd)/systemd/catalog/modqd.catalog
	$(call place,systemd/examples/tcp.conf,$(DESTDIR)$(docdir)/examples/tcp.conf)
	[ -e $(DESTDIR)$(sysconfdir)/modqd/modqd.conf ] || \
	  $(call place,systemd/modqd.conf,$(DESTDIR)$(sysconfdir)/modqd/modqd.conf)

# What install would bring is taken away; the configuration stays, and so do comments and keys.
uninstall:
	@rm -rf $(B)/brought && $(MAKE) --no-print-directory install DESTDIR=$(CURDIR)/$(B)/brought > /dev/null
	@cd $(B)/brought && find . ! -type d ! -path '.$(sysconfdir)/*' | sed 's|^\.|$(DESTDIR)|' | xargs -d '\n' rm -f
	@for dir in $(datadir)/modqd/monitoring $(datadir)/modqd $(docdir)/examples $(docdir); do \
	  rmdir --ignore-fail-on-non-empty $(DESTDIR)$$dir 2> /dev/null || true; done
	@rm -rf $(B)/brought

# Debian packages. They are built from a copy, because dpkg wants systemd/debian/ at its top.
DEB_VERSION = $(VERSION)
DEB_PACKAGES = debhelper dpkg-dev fakeroot lintian
DEB_DIR  = build/deb
DEB_TREE = $(DEB_DIR)/modqd-$(DEB_VERSION)
sources  = $(if $(wildcard .git),git ls-files --cached --others --exclude-standard,find . -path ./build -prune -o -type f -print)

deb:
	@tests/lib/setup.sh $(DEB_PACKAGES)
	@rm -rf $(DEB_DIR) && mkdir -p $(DEB_TREE)
	@$(sources) | while read -r f; do [ ! -f "$$f" ] || echo "$$f"; done | tar -cf - -T - | tar -xf - -C $(DEB_TREE)
	@cp -a systemd/debian $(DEB_TREE)/debian
	@sed -e 's/@VERSION@/$(DEB_VERSION)/' -e "s/@DATE@/$$(date -R -d "@$${SOURCE_DATE_EPOCH:-$$(date +%s)}")/" \
	  systemd/debian/changelog.in > $(DEB_TREE)/debian/changelog
	@cd $(DEB_TREE) && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -us -uc -b > ../build.log 2>&1 || { tail -n 40 ../build.log; exit 1; }
	@mkdir $(DEB_DIR)/tmp && TMPDIR=$(CURDIR)/$(DEB_DIR)/tmp lintian --allow-root --fail-on error,warning $(DEB_DIR)/*.changes
	@rm -rf $(DEB_DIR)/tmp
	@ls $(DEB_DIR)/*.deb

check-systemd:
	@[ "$$(id -u)" != 0 ] || { tests/lib/setup.sh $(DEB_PACKAGES) systemd-container systemd-sysv iproute2 \
	  wordpress mariadb-server php-mysql && $(MAKE) --no-print-directory deb wordpress-plugin; }
	@$(PYTHON) tests/systemd/run $(T)

# The WordPress plugin with the client that it needs, as an administrator installs it.
WORDPRESS = build/modqd-wordpress.zip
wordpress-plugin:
	@rm -rf build/wordpress $(WORDPRESS) && mkdir -p build/wordpress/modqd/client
	@cp -R clients/wordpress/. build/wordpress/modqd && cp LICENSE build/wordpress/modqd
	@cp -R clients/php/autoload.php clients/php/src build/wordpress/modqd/client
	@cd build/wordpress && $(PYTHON) -m zipfile -c $(CURDIR)/$(WORDPRESS) modqd
	@echo $(WORDPRESS)

check-wordpress: setup
	@tests/lib/setup.sh wordpress wordpress-theme-twentytwentyone wordpress-theme-twentytwentythree mariadb-server php-fpm php-mysql php-redis redis-server nginx-light
	@$(MAKE) --no-print-directory all wordpress-plugin tests/browser/node_modules/.installed VARIANT=release
	@$(PYTHON) tests/wordpress/run $(if $(T),--filter '$(T)')

clean:
	rm -rf build

.SECONDARY:
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
