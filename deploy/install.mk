# install.mk - make install [DESTDIR=] [PREFIX=/usr/local], make uninstall, make deb.
#
# Programs of MODE=release, manual pages and completions made by the programs themselves,
# systemd's units, and a file of options for each service that is not overwritten.

PREFIX     ?= /usr/local
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
UNITDIR    ?= $(PREFIX)/lib/systemd/system

.PHONY: install uninstall deb
install:
	$(Q)$(MAKE) MODE=release all
	$(Q)DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' SYSCONFDIR='$(SYSCONFDIR)' UNITDIR='$(UNITDIR)' \
		deploy/install.sh install build/release/bin
uninstall:
	$(Q)DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' SYSCONFDIR='$(SYSCONFDIR)' UNITDIR='$(UNITDIR)' \
		deploy/install.sh uninstall
deb:
	$(Q)$(MAKE) MODE=release all
	$(Q)deploy/debian/make-deb.sh build/release/bin build/davit_$(VERSION)_$$(dpkg --print-architecture).deb $(VERSION)
