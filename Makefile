# The two commands of a stranger: make demo, make check. Both install what is missing (Debian 12,
# as root or with sudo), build and go.
BUILD ?= build
PYTHON ?= /usr/bin/python3
SCENARIO = consumer-download-install
OUT = out/demo

.PHONY: all packages demo check sanitize analyze format clean

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

# Leaks are looked for in memory runs; the leak checker cannot stop the threads of GIO's TLS.
SAN = ASAN_OPTIONS=detect_leaks=$(1) UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
sanitize: $(BUILD)-san/build.ninja
	ninja -C $(BUILD)-san
	$(call SAN,0) meson test -C $(BUILD)-san --print-errorlogs -t 4
	$(call SAN,1) $(BUILD)-san/rspsim run scenarios --quiet
	$(call SAN,0) $(BUILD)-san/rspsim run scenarios --quiet --transport https

# GCC's static analyser over the whole tree; slow, by hand.
analyze:
	meson setup --reconfigure build-analyze -Dc_args=-fanalyzer 2>/dev/null \
	  || meson setup build-analyze -Dc_args=-fanalyzer
	ninja -C build-analyze

format:
	clang-format-14 -i $$(git ls-files '*.c' '*.h' ':!sim/run/language.c' ':!asn1/functions.h')

clean:
	rm -rf $(BUILD) $(BUILD)-san build-analyze out
