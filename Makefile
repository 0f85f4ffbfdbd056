# The two commands of a stranger: make demo, make check. Both install what is missing (Debian 12,
# as root or with sudo), build and go.
BUILD ?= build
PYTHON ?= /usr/bin/python3
SCENARIO = consumer-download-install
OUT = out/demo

.PHONY: all packages demo check sanitize analyze fuzz format docs clean

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD)

packages:
	@.ci/packages

demo: packages all
	@mkdir -p $(OUT)
	$(BUILD)/rspsim run scenarios/consumer/$(SCENARIO).yaml --trace-dir $(OUT)
	$(BUILD)/rspsim trace $(OUT)/$(SCENARIO).jsonl --format html -o $(OUT)/$(SCENARIO).html
	$(BUILD)/rspsim trace $(OUT)/$(SCENARIO).jsonl --format text
	@echo
	@echo "trace: $(OUT)/$(SCENARIO).jsonl"
	@echo "page:  $(OUT)/$(SCENARIO).html"

# Unit tests, then the sanitizer build of the same and of the scenarios, then everything in pytest.
check: packages all
	meson test -C $(BUILD) --print-errorlogs
	$(MAKE) sanitize
	RSPSIM=$(CURDIR)/$(BUILD)/rspsim RSPSIM_SANITIZED=$(CURDIR)/$(BUILD)-san/rspsim \
	  $(PYTHON) -m pytest -q pytests

$(BUILD)-san/build.ninja:
	meson setup $(BUILD)-san -Db_sanitize=address,undefined -Dbuildtype=debugoptimized

# GIO's TLS runs in threads; without intercept_tls_get_addr=0 the leak checker trips over them.
SAN = ASAN_OPTIONS=detect_leaks=1:intercept_tls_get_addr=0 \
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
sanitize: $(BUILD)-san/build.ninja
	ninja -C $(BUILD)-san
	$(SAN) meson test -C $(BUILD)-san --print-errorlogs -t 4
	$(SAN) $(BUILD)-san/rspsim run scenarios --quiet
	$(SAN) $(BUILD)-san/rspsim run scenarios --quiet --transport https

# GCC's static analyser over the whole tree; slow, by hand.
analyze:
	meson setup --reconfigure build-analyze -Dc_args=-fanalyzer 2>/dev/null \
	  || meson setup build-analyze -Dc_args=-fanalyzer
	ninja -C build-analyze

# Long fuzzing by hand under libFuzzer (clang-14, libclang-rt-14-dev): make fuzz TARGET=body SECONDS=600.
# What it learns is kept in out/fuzz/TARGET; `make check` runs the same targets over a fixed corpus.
TARGET ?= body
SECONDS ?= 600
fuzz:
	test -d build-fuzz || CC=clang-14 meson setup build-fuzz -Dfuzzer=true \
	  -Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link
	ninja -C build-fuzz pytests/fuzz/fuzz-$(TARGET)
	mkdir -p out/fuzz/$(TARGET)
	ASAN_OPTIONS=intercept_tls_get_addr=0 build-fuzz/pytests/fuzz/fuzz-$(TARGET) \
	  -max_total_time=$(SECONDS) -max_len=20000 -timeout=20 out/fuzz/$(TARGET)

# The parts of docs/ that are made: the coverage page and the diagrams of the procedures.
docs: all
	$(PYTHON) docs/render.py $(BUILD)/rspsim

format:
	clang-format-14 -i $$(git ls-files '*.c' '*.h' ':!sim/run/language.c' ':!asn1/functions.h')

clean:
	rm -rf $(BUILD) $(BUILD)-san build-analyze build-fuzz out
