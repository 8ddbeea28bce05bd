# SPDX-License-Identifier: GPL-2.0-or-later
# Passes each target to a script in scripts/.

help:
	@sed -n 's/^#:\( \|$$\)//p' Makefile
	@echo
	@echo 'Suites:'
	@scripts/go.sh suites

#: Times are for two cores that do nothing else. The first kernel target of all also fetches
#: and builds the kernel: 10 to 15 minutes more.
#:
#: Try:
#: make run          boot the patched kernel in QEMU and run the demo (1 min)
#: make shell        open a root shell in the same guest; "exit" powers it off (1 min)
#:
#: Test:
#: make test         run the tests of the host (3 to 4 min); T=lsdmem for one (5 s to 1 min),
#:                   T=lsdmem.test_usage for one function, UPDATE=1 to write expected files
#: make check        run all suites (less than 90 min); SUITE=NAME for one of the list
#:                   at the end
#: make guest        run one program of the guest's tests (less than 90 s):
#:                   T=test_dmem_limit, T=systemd/test_service, T=test_dmem_limit.zero for
#:                   one function of it, T=arm32:test_v4l2 for the 32-bit guest;
#:                   UPTO=cma for the kselftests up to that posting, on its kernel (5 to 15 min)
#: make check-all    run checkpatch, bisect, mutants and all suites (many hours)
#: make torture      run random operations for TIME=600 seconds; SEED=7 EPOCH=2 begin with
#:                   that epoch, SCRIPT=FILE repeats the operations of a failure
#: make mutants      break one line at a time; each time a test must fail (hours);
#:                   MUTANT=7 for one, MUTANT=systemd for the programs of systemd's units,
#:                   MUTANT=plan for dmemctl plan, MUTANT=hook for dmem-hook and
#:                   dmemctl cdi (15 min each), MUTANT=slurm for spank_dmem.so,
#:                   MUTANT=coverage for the programs of make coverage, MUTANT=try for make try
#: make bench        count the instructions of a charge (10 to 20 min)
#: make bench-plan   measure dmemctl plan with large histories on this machine (2 min)
#:
#: Kernel series:
#: make tree         put the series on the kernel source, as a git tree (1 to 5 min)
#: make series       turn the commits of that tree into patches and selftests again (1 min)
#: make checkpatch   run checkpatch, W=1, sparse and kernel-doc on the series (5 to 15 min)
#: make coverage     check that kernel/coverage/places has each place of the kernel that takes
#:                   memory from a finite pool (10 s to 1 min); UPDATE=1 writes the number of
#:                   calls there, and docs/coverage.md
#: make bisect       build each patch alone, options on and off (1 to 2 hours); FROM=37 or
#:                   FROM=cma/0003 for that patch and the later ones, JOINTS=1 for the last
#:                   patch of each posting only (15 to 40 min)
#: make post         list the postings of the series (1 s); GROUP=cma to write the mails of one
#:                   (10 to 60 s); sends nothing
#: make try          report for each patch how it applies to another kernel (10 to 60 s):
#:                   TREE=/path, KERNEL=7.3 for one of the prepared series, PATCHES=/path to
#:                   write the patches for that kernel and a list for Yocto, BUILD=1 to build
#:                   the kernel if all apply (10 to 60 min)
#: make next         the same report for the newest linux-source that Debian offers (2 to 5 min)
#: make kernel       build the patched kernel (5 to 10 min); UPTO=cma with the postings up to
#:                   that one
#: make vm           make kernel, and the guest's device tree and root file system
#: make -s paths     print their paths, and the command line of QEMU
#: make example      record docs/example.history and docs/example.svg again (5 to 10 min)
#:
#: Install:
#: make install      build and install all programs (1 min); DESTDIR=DIR PREFIX=/usr,
#:                   TAGS=systemd, tools or containers for one part, OPTIONS='...' for meson setup
#: make uninstall    remove the installed files; the same variables
#: make deb          build Debian packages (2 min); DEB_ARCH=arm64 for a board
#: make kernel-deb   build your kernel with the series as a Debian package (10 to 60 min);
#:                   KERNEL_CONFIG=FILE KERNEL_ARCH=arm64
#: make kernel-config  check that this file has the required options (1 s)
#:
#: Clean:
#: make clean        remove the files that are built in this directory
#: make distclean    remove the cache, too
#:
#: Variables:
#: KERNEL=6.12          take the series for this kernel, which is in kernel/6.12
#: KERNEL_SRC=/path     use this kernel source instead of the distribution's
#: DEBIAN_MIRROR=URL    use this mirror instead of the one in apt's sources
#: DMEM_CACHE=/path     directory for downloads and kernel builds (8 GB)

check:
	@scripts/go.sh check $(SUITE)

guest:
	@T='$(T)' UPTO='$(UPTO)' scripts/go.sh guest

kernel:
	@UPTO='$(UPTO)' scripts/go.sh kernel

test:
	@T='$(T)' UPDATE='$(UPDATE)' scripts/test.sh

bench-plan:
	@scripts/lib/bench-plan.sh

mutants:
	@scripts/go.sh mutants $(MUTANT)

torture:
	@TIME='$(TIME)' SEED='$(SEED)' EPOCH='$(EPOCH)' SCRIPT='$(SCRIPT)' scripts/go.sh torture

install uninstall:
	@scripts/install.sh $@

coverage:
	@UPDATE='$(UPDATE)' scripts/go.sh coverage

bisect:
	@JOINTS='$(JOINTS)' scripts/go.sh bisect $(FROM)

try:
	@TREE='$(TREE)' KERNEL='$(KERNEL)' PATCHES='$(PATCHES)' BUILD='$(BUILD)' scripts/go.sh try

next:
	@KERNEL='$(KERNEL)' scripts/go.sh next

post:
	@GROUP='$(GROUP)' scripts/go.sh post

vm shell paths run check-all tree series checkpatch bench example deb kernel-deb kernel-config clean distclean:
	@scripts/go.sh $@

.PHONY: help kernel vm shell paths run test guest check check-all tree series checkpatch coverage bisect try next post torture mutants bench bench-plan example deb kernel-deb kernel-config install uninstall clean distclean
