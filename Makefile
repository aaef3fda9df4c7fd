# SPDX-License-Identifier: BSD-2-Clause
# The commands of the project. Meson does the work; `make help` lists them.

MESON ?= meson
B := build

.PHONY: help all deps demo check bench ceilings plots lint format install deb \
	fuzz exhaust coverage clean packetdrill-so rfc rfc-mutants \
	script-mutants claims planted

all: $(B)/build.ninja
	ninja -C $(B)

help:
	@echo "make            build the library and the tools into $(B)/"
	@echo "make demo       a web server on lull, fetched by curl: begin here"
	@echo "make check      all tests"
	@echo "make bench      measure, beside the kernel, lwIP and gVisor"
	@echo "make plots      draw recoveries from losses into docs/plots/"
	@echo "make claims     docs/claims.md, from the experiments of lull lab"
	@echo "make ceilings   instructions for each segment, counted and set anew"
	@echo "make lint       clang-tidy and cppcheck"
	@echo "make rfc        docs/rfc9293.md and rfcs.md anew from tests/rfc"
	@echo "make rfc-mutants    break each rule of them; its test must fail"
	@echo "make script-mutants break the core line by line; a packet script must fail"
	@echo "make fuzz TIME=60 [TARGET=http]   each fuzzer, or one, so many seconds"
	@echo "make exhaust    each get from each pool fails, over the unit tests"
	@echo "make coverage   which lines of the core no test reaches"
	@echo "make planted    break one rule after the other: does lull sim see it?"
	@echo "make format     clang-format over everything"
	@echo "make install    DESTDIR and PREFIX as usual"
	@echo "make deb        Debian packages into $(B)/deb, with lintian"
	@echo "make deps       install the Debian packages that a target needs"
	@echo "make packetdrill-so   $(B)/liblull-packetdrill.so, for packetdrill"
	@echo "make clean"

# What is missing of Debian's packages: installed as root, else named.
deps:
	@scripts/deps.sh all
deps-%:
	@scripts/deps.sh $*

$(B)/build.ninja: | deps-build
	$(MESON) setup $(B) $(if $(PREFIX),--prefix=$(PREFIX))

demo: deps-demo all
	@scripts/demo.sh $(B)

check: deps-check
	@scripts/check.sh

bench: deps-bench all
	@bench/run.sh $(B)

plots: all
	@scripts/plots.sh $(B)/lull

claims: all
	@LULL_LAB=lab scripts/claims.py $(B)/lull-lab lab/claims.tsv > $(B)/claims.md
	@mv $(B)/claims.md docs/claims.md

ceilings: deps-bench all
	@$(MESON) configure $(B) -Dtests=true
	@ninja -C $(B) tests/instructions
	@python3 tests/house/test_instructions.py --set $(B)/tests/instructions

lint: deps-lint all
	@scripts/lint.sh $(B)

fuzz: deps-check
	@scripts/fuzz.sh $(or $(TIME),60) $(TARGET)

exhaust: deps-check all
	@$(MESON) configure $(B) -Dtests=true
	@ninja -C $(B)
	@scripts/exhaust.py $(B)

coverage: deps-check
	@scripts/coverage.sh

# NAMES="no-time-wait ...": only those.
planted: deps-check
	@scripts/planted.py $(NAMES)

format:
	clang-format -i $$(git ls-files '*.c' '*.h' | grep -v ^bench/peers/)

rfc:
	@python3 tests/house/test_rfc.py . --write

# Four minutes; IDS="MUST-7 UN-4": these alone.
rfc-mutants: deps-check
	@python3 scripts/rfc_mutants.py . $(IDS)

# A few minutes; NAMES="no-closing": these alone.
script-mutants: all
	@python3 tests/script/mutants.py $(B) $(NAMES)

packetdrill-so: $(B)/build.ninja
	ninja -C $(B) liblull-packetdrill.so

install: all
	$(MESON) install -C $(B) --no-rebuild

deb: deps-deb
	@scripts/deb.sh $(B)

clean:
	rm -rf $(B) build-*
