# make              build everything into build/$(MODE)
# make check        tidy + unit tests + smoke, no engine, no network   MODE=debug|release|asan|tsan
# make test         check + end-to-end on a real Docker Engine         E2E=0 leaves the engine out
# make test-long    storms, soaks, sanitizers, many seeds         STAGES="storm soak" only those
# make storm        ROUNDS=10 of kill -9 under clients, on a real engine
# make sim          the whole cluster in one process, with faults by dice   SEED=1 SEEDS=200 STEPS=20000
# make sim-mutants  breaks one rule after the other and looks whether the simulator sees it   MUTANTS="05-... 07-..."
# make soak         TASKS=1000000 short lives: no process and no file grows; build/release/soak-*.png
# make valgrind     a short life of a cluster with every program under memcheck
# make deps         what is missing of the Debian packages, installed
# make bench        figures, as ratios measured side by side
# make bench-engine worker, Docker Swarm and a bare client on one engine   N=100 JOBS=200 ROUNDS=4
# make bench-cluster     PROFILE=c1m SCALE=1: thousands of workers, up to two million tasks
# make bench-scheduler   the scheduler's figures, and cost by nodes and tasks as build/release/bench/scheduler.png
# make bench-report  what bench-cluster and bench-peers found, into docs/BENCHMARKS.md
# make bench-peers  Docker Swarm and Slurm beside Davit, on this machine   WHO="swarm slurm"
# make bench-gateway  HTTP: reads by wrk, idle streams, a bulk submission
# make up / down    a cluster on this machine (PORT=7070); down PURGE=1 forgets its state
# make fuzz         TARGET=pbjson_parse SECONDS=60: libFuzzer on tests/fuzz/fuzz_TARGET.c (needs clang)
# make fuzz-all     SECONDS=60 of each of them; make fuzz-merge keeps the best of what they found
# make golden       rewrite tests/golden from the code
# make fmt          clang-format in place          V=1 shows the commands
#
# A folder is a unit: common/* make one library, each services/X makes a program
# davit-X and a library of all but its main.c, each tests/unit/test_X.c makes a
# test, each tests/bench/bench_X.c a benchmark. Adding a file needs no edit here.

MODE ?= debug
B    ?= build/$(MODE)
Q    := $(if $(V),,@)

WARN := -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wold-style-definition -Wformat=2 -Wcast-align -Wpointer-arith -Wvla -Wundef \
        -Wimplicit-fallthrough -Wpedantic
CFLAGS_debug   := -O0 -g3
CFLAGS_release := -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
CFLAGS_asan    := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
                  -DRPC_CLOSE_MAX_MS=20000
CFLAGS_tsan    := -O1 -g3 -fsanitize=thread
CFLAGS_fuzz    := -O1 -g3 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
$(if $(CFLAGS_$(MODE)),,$(error MODE=$(MODE): want debug, release, asan, tsan or fuzz))

# The release before: its workers are let in, and tests/e2e/skew.bats runs them, built of that commit.
VERSION  := 0.2.0
PREVIOUS := 0.1.0 ccc57b6b3cbbb3e9bc03bd3afd8a3037dade2fd2
CPPFLAGS := -I. -I$(B)/gen -D_GNU_SOURCE -DDAVIT_VERSION='"$(VERSION)"' -DDAVIT_PREVIOUS='"$(firstword $(PREVIOUS))"'
CFLAGS   := -std=c11 $(CFLAGS_$(MODE))
LDFLAGS  := -Wl,--as-needed
LDLIBS   := -lnng -lmicrohttpd -lz -lprotobuf-c -lsqlite3 -lcurl -luv -ljansson -lyaml -lcrypt -lm -lpthread

services := $(notdir $(wildcard services/*))
program   = davit$(if $(filter cli,$1),,-$1)
protos   := $(filter-out proto/calls.proto,$(wildcard proto/*.proto))
gen_c    := $(protos:proto/%.proto=$(B)/gen/proto/%.pb-c.c)
gen_h    := $(gen_c:.c=.h)
common_o := $(patsubst %.c,$(B)/%.o,$(wildcard common/*/*.c)) $(gen_c:.c=.o)
service_o = $(patsubst %.c,$(B)/%.o,$(filter-out %/main.c,$(wildcard services/$1/*.c services/$1/*/*.c)))
units    := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
bench_o  := $(patsubst %.c,$(B)/%.o,$(wildcard tests/lib/bench*.c))
benches  := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/bench_*.c))
fuzzers  := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
testgen_c := $(patsubst %.proto,$(B)/gen/%.pb-c.c,proto/calls.proto $(wildcard tests/proto/*.proto))
gen_h    += $(testgen_c:.c=.h)
testlib_o := $(patsubst %.c,$(B)/%.o,$(wildcard tests/lib/*.c)) $(testgen_c:.c=.o)
service_a := $(services:%=$(B)/%.a)

.PHONY: all bench-gateway bench-gateway-run sim sim-mutants sim-mutants-smoke mutants-run check fuzz fuzz-all fuzz-merge fuzz-smoke test test-long storm soak soak-run valgrind deps up down unit tidy golden fmt clean bench bench-run bench-build bench-scheduler bench-scheduler-run bench-cluster bench-cluster-run bench-cluster-smoke bench-peers bench-peers-run bench-report bench-engine bench-engine-run FORCE
.DELETE_ON_ERROR:
.SECONDARY:
all: $(foreach s,$(services),$(B)/bin/$(call program,$s))
check: tidy unit fuzz-smoke
unit: $(units:=.pass)
	$(Q)tests/count.sh $(units:=.tap)

# Objects: rebuilt when their headers or any flag change.
$(B)/%.o: %.c $(B)/flags | $(gen_h)
	@echo "  CC   $<" && mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -MMD -MP -c $< -o $@
$(B)/gen/%.o: $(B)/gen/%.c $(B)/flags
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -w -MMD -MP -c $< -o $@
$(B)/gen/proto/%.pb-c.c $(B)/gen/proto/%.pb-c.h: proto/%.proto
	@echo "  GEN  $<" && mkdir -p $(B)/gen/proto
	$(Q)protoc --proto_path=proto --c_out=$(B)/gen/proto $<
$(B)/gen/tests/proto/%.pb-c.c $(B)/gen/tests/proto/%.pb-c.h: tests/proto/%.proto
	@echo "  GEN  $<" && mkdir -p $(@D)
	$(Q)protoc --proto_path=tests/proto --c_out=$(@D) $<
# What the gateway has built in: the comments of the .proto files, its page, its other paths.
gateway_inc := $(B)/gen/gateway/proto_comments.inc \
	$(patsubst services/gateway/pages/%,$(B)/gen/gateway/%.inc,$(wildcard services/gateway/pages/*))
$(B)/gen/gateway/proto_comments.inc: proto/comments.awk $(protos)
	@mkdir -p $(@D)
	$(Q)awk -f proto/comments.awk $(protos) | LC_ALL=C sort > $@
$(B)/gen/gateway/%.inc: services/gateway/pages/%
	@mkdir -p $(@D)
	$(Q)od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' > $@
$(patsubst %,$(B)/services/gateway/%.o,openapi_comments openapi pages): | $(gateway_inc)
$(B)/flags: FORCE
	@mkdir -p $(@D) && echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN)' | cmp -s - $@ || \
	echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN)' > $@

$(B)/common.a: $(common_o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define service_rules
$(B)/$1.a: $(call service_o,$1)
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
$(B)/bin/$(call program,$1): $(B)/services/$1/main.o $(B)/$1.a $(B)/common.a
	@echo "  LINK $$@" && mkdir -p $$(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $$^ $(LDLIBS) -o $$@
endef
$(foreach s,$(services),$(eval $(call service_rules,$s)))

# Seconds after which a test is taken to hang; machines are busy, and sanitizers slow.
patience := $(if $(filter asan tsan,$(MODE)),1200,300)

export TSAN_OPTIONS ?= suppressions=$(CURDIR)/tests/lib/tsan.supp

# With what debuggers want, linking a test takes five times as long: DEBUG=1 for those.
test_link = $(CC) $(CFLAGS) $(LDFLAGS) $(if $(filter debug,$(MODE)),$(if $(DEBUG),,-Wl,-S))

# Tests: a .pass file remembers a success until something it is made of changes.
$(B)/unit/%: $(B)/tests/unit/%.o $(testlib_o) $(service_a) $(B)/common.a
	@mkdir -p $(@D)
	$(Q)$(test_link) $^ $(LDLIBS) -lcmocka -o $@
$(B)/unit/%.pass: $(B)/unit/% $(wildcard tests/golden/*)
	@echo "  TEST $*"
	$(Q)BUILD=$(B) timeout $(patience) $< > $(B)/unit/$*.tap 2> $(B)/unit/$*.err || \
	{ cat $(B)/unit/$*.tap; tail -50 $(B)/unit/$*.err; exit 1; }
	@touch $@
$(B)/bench/%: $(B)/tests/bench/%.o $(bench_o) $(service_a) $(B)/common.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@
$(B)/bench/sync_count.so: tests/bench/sync_count.c $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -fPIC -shared $< -o $@
cluster_o := $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/cluster/*.c))
$(B)/bench/cluster: $(cluster_o) $(bench_o) $(service_a) $(B)/common.a
	@echo "  LINK $@" && mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@
bench-cluster: # always of optimised code, whatever MODE says
	$(Q)$(MAKE) MODE=release bench-cluster-run
bench-cluster-run: all $(B)/bench/cluster $(B)/bench/sync_count.so
	$(Q)tests/bench/cluster/run.sh $(B) $(or $(PROFILE),c1m)
bench-cluster-smoke: all $(B)/bench/cluster $(B)/bench/sync_count.so
	$(Q)tests/bench/cluster/smoke.sh $(B)
bench-build: $(benches) $(B)/bench/stats_cost $(B)/bench/sync_count.so $(B)/sim/sim all
bench: # always of optimised code, whatever MODE says
	$(Q)$(MAKE) MODE=release bench-run
bench-run: bench-build
	$(Q)BUILD=$(B) tests/bench/run.sh $(B)/bench/results.txt $(benches) $(wildcard tests/bench/bench_*.sh)
bench-gateway: # needs wrk; always of optimised code, whatever MODE says
	$(Q)$(MAKE) MODE=release bench-gateway-run
bench-gateway-run: all
	$(Q)BUILD=$(B) tests/bench/run.sh $(B)/bench/gateway.txt tests/bench/bench_gateway.sh
bench-engine: # with an engine of its own, as root
	$(Q)$(MAKE) MODE=release bench-engine-run
bench-engine-run: all $(B)/bench/engine_raw
	$(Q)BUILD=$(B) tests/bench/engine.sh
bench-report: # what was measured last, into docs/BENCHMARKS.md
	$(Q)tests/bench/cluster/report.sh build/release/bench/cluster.out
bench-peers: # with an engine of its own and Slurm's packages, as root
	$(Q)$(MAKE) MODE=release bench-peers-run
bench-peers-run: all $(B)/bench/engine_raw
	$(Q)BUILD=$(B) tests/bench/peers/peers.sh $(B)/bench/cluster.out
bench-scheduler: # always of optimised code, whatever MODE says
	$(Q)$(MAKE) MODE=release bench-scheduler-run
bench-scheduler-run: $(B)/bench/bench_scheduler
	$(Q)$< | tee $(B)/bench/scheduler.txt
	$(Q)$< plot > $(B)/bench/scheduler-plot.txt
	$(Q)tests/bench/plot_scheduler.sh $(B)/bench/scheduler-plot.txt $(B)/bench/scheduler.png

# The simulated cluster. SEEDS is how many from SEED on; both cores share them.
SEED  ?= 1
SEEDS ?= 200
STEPS ?= 20000
sim_o := $(patsubst %.c,$(B)/%.o,$(wildcard tests/sim/*.c))
sim_link = $(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=fsm_next
$(B)/sim/sim: $(sim_o) $(service_a) $(B)/common.a
	@echo "  LINK $@" && mkdir -p $(@D)
	$(Q)$(sim_link) $^ $(LDLIBS) -o $@
sim: $(B)/sim/sim
	$(Q)tests/sim/run.sh $< $(SEED) $(SEEDS) $(STEPS)
# Each with one rule broken: only the changed files are compiled, and they go before the libraries.
MUTANTS ?= $(patsubst tests/sim/mutants/%.mutant,%,$(wildcard tests/sim/mutants/*.mutant))
MUTANT_SEEDS ?= 400
$(B)/mutants/%/sim: tests/sim/mutants/%.mutant $(sim_o) $(service_a) $(B)/common.a
	@echo "  MUTANT $*" && rm -rf $(@D) && mkdir -p $(@D)
	$(Q)for c in $$(awk -v out=$(@D) -f tests/sim/mutate.awk $<); do \
		$(CC) $(CPPFLAGS) $(CFLAGS) -w -c $(@D)/$$c -o $(@D)/$$(echo $$c | tr / .).o || exit 1; done
	$(Q)$(sim_link) $(@D)/*.o $(filter-out $<,$^) $(LDLIBS) -o $@
# A few that are found soon, in the mode at hand: part of make test.
mutants_smoke := 11-port-twice 48-ledger-not-asked 25-old-complete-set
sim-mutants-smoke: $(B)/sim/sim $(mutants_smoke:%=$(B)/mutants/%/sim)
	$(Q)tests/sim/mutants.sh smoke $< $(B)/mutants 10 $(mutants_smoke)
sim-mutants: # always of optimised code, whatever MODE says
	$(Q)$(MAKE) MODE=release mutants-run
mutants-run: $(B)/sim/sim $(MUTANTS:%=$(B)/mutants/%/sim)
	$(Q)tests/sim/mutants.sh run $< $(B)/mutants $(MUTANT_SEEDS) $(MUTANTS)

# Fuzz targets: run by replay.c over their corpus, or by libFuzzer (MODE=fuzz) in search of more.
fuzz_main := $(if $(filter fuzz,$(MODE)),,$(B)/tests/fuzz/replay.o)
fuzz_o := $(patsubst %.c,$(B)/%.o,$(filter-out tests/fuzz/fuzz_% tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
# What tests share, but for their main.
fuzz_o += $(filter-out $(B)/tests/lib/test.o,$(testlib_o))
$(B)/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(fuzz_o) $(fuzz_main) \
		$(service_a) $(B)/common.a
	@mkdir -p $(@D)
	$(Q)$(test_link) $(if $(fuzz_main),,-fsanitize=fuzzer) $^ $(LDLIBS) -lcmocka -o $@
$(B)/fuzz/fuzz_%.pass: $(B)/fuzz/fuzz_% $(wildcard tests/fuzz/corpus/*/*)
	@echo "  FUZZ $*"
	$(Q)timeout $(patience) $< tests/fuzz/corpus/$* > $<.out 2>&1 || { tail -50 $<.out; exit 1; }
	@touch $@
fuzz-smoke: $(fuzzers:=.pass)
fuzz:
	$(Q)$(if $(TARGET),,echo "TARGET= one of $(fuzzers:$(B)/fuzz/fuzz_%=%)"; exit 1)
	$(Q)$(MAKE) MODE=fuzz CC=clang WARN= build/fuzz/fuzz/fuzz_$(TARGET)
	$(Q)tests/fuzz/search.sh $(or $(SECONDS),60) $(TARGET)
fuzz-all:
	$(Q)$(MAKE) MODE=fuzz CC=clang WARN= $(fuzzers:$(B)/%=build/fuzz/%)
	$(Q)tests/fuzz/search.sh $(or $(SECONDS),60) $(fuzzers:$(B)/fuzz/fuzz_%=%)

fuzz-merge:
	$(Q)tests/fuzz/merge.sh $(fuzzers:$(B)/fuzz/fuzz_%=%)

ROUNDS ?= 10
TASKS  ?= 1000000
$(B)/soak/soak: $(B)/tests/soak/soak.o $(B)/common.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@
soak: # always of optimised code, whatever MODE says
	$(Q)$(MAKE) MODE=release soak-run
soak-run: all $(B)/soak/soak
	$(Q)B=$(B) tests/soak/soak.sh $(TASKS)
# On a machine with an engine: every stage runs, and the last line counts them all.
test:
	$(Q)MODE=$(MODE) tests/test.sh tests/e2e tests/hosts
test-long:
	$(Q)MODE=$(MODE) tests/long.sh $(STAGES)
storm: all
	$(Q)B=$(B) STORM_ROUNDS=$(ROUNDS) E2E_SECONDS=$$(($(ROUNDS) * 40 + 120)) \
		tests/e2e/run.sh tests/e2e/storm.bats
deps:
	$(Q)deploy/bootstrap.sh
valgrind: all
	$(Q)B=$(B) tests/long/valgrind.sh
up:
	$(Q)$(if $(PORT),DAVIT_PORT=$(PORT)) deploy/up.sh
down:
	$(Q)PURGE=$(or $(PURGE),0) deploy/down.sh

tidy:
	$(Q)tests/tidy.sh
	$(Q)tests/sim/mutants.sh apply
golden: $(B)/unit/test_task_fsm
	$(Q)GOLDEN=1 $(B)/unit/test_task_fsm >/dev/null
	$(Q)proto/make_calls.sh > $(B)/calls.proto && cp $(B)/calls.proto proto/calls.proto
fmt:
	$(Q)clang-format -i $$(find common services tests -name '*.[ch]')
clean:
	rm -rf build

include deploy/install.mk
-include $(shell find $(B) -name '*.d' 2>/dev/null)
