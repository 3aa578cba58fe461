# The Python that makes .venv; everything else runs inside .venv.
PYTHON ?= python3
IN = .venv/bin/python

# Walkers are vectorised already; BLAS threads only cost time at these sizes.
export OPENBLAS_NUM_THREADS ?= 1
# A kernel named python3 elsewhere on this machine is not ours.
export JUPYTER_PREFER_ENV_PATH = 1

.PHONY: help book test lab chapter pdf links bench reproduce mutants report lock clean install

help:     ## show this list
	@sed -n 's/^\([a-z]*\): .*## /  make \1\t/p' Makefile

book: install     ## execute every chapter and build the pages in _build/html
	@$(IN) tools/build.py

test: install     ## check every chapter, build the pages of what they gave, check the library and every page
	@$(IN) -m pytest -n 2 --dist worksteal --overwrite chapters
	@$(IN) tools/build.py --executed
	@$(IN) -m pytest -n 2 --dist worksteal tests

lab: install     ## open the chapters as notebooks in JupyterLab, with live explorers
	@[ "$$(id -u)" != 0 ] || echo "saddles: you are root, so a notebook's cells may change all of this machine."
	@JUPYTER_CONFIG_PATH="$(CURDIR)/tools/lab" JUPYTERLAB_WORKSPACES_DIR="$(CURDIR)/_build/lab" \
	$(IN) -m jupyterlab --allow-root --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/chapters

chapter: install     ## begin a chapter that passes every test: make chapter NAME=my-subject
	@$(IN) tools/chapter.py "$(NAME)"

pdf: install     ## print the built pages into _build/saddles.pdf
	@$(IN) tools/pdf.py

links: install     ## try the outside links of the built pages
	@$(IN) tools/links.py

bench: install     ## measure the library against what people use today
	@$(IN) benchmarks/bench.py

reproduce: install     ## build the committed book twice and name each file that differs
	@$(IN) tools/reproduce.py $(OTHER)

mutants: install     ## change the library in small ways and see whether its tests notice (long)
	@$(IN) tools/mutate.py "$(SAMPLE)" "$(MODULES)"

report: install     ## print versions, mutation scores, reproducibility and the pages' budgets
	@$(IN) tools/report.py

lock:     ## renew requirements.lock from requirements.txt
	@$(PYTHON) tools/lock.py

clean:     ## remove everything that was built or installed
	rm -rf _build .venv .pytest_cache .hypothesis lib/*.egg-info

install:
	@$(PYTHON) tools/bootstrap.py
