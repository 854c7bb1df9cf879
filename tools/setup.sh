#!/usr/bin/env sh
# Installs what lorabench uses and Go does not bring: ngspice, which simulates
# the circuits that a model writes. Without it they are scored by their form.
if command -v ngspice >/dev/null 2>&1; then
	exit 0
fi
say() { echo "setup: $*" >&2; }
install() {
	if command -v apt-get >/dev/null 2>&1; then
		root=""
		if [ "$(id -u)" != 0 ]; then
			if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
				root="sudo -n"
			else
				say "no rights to install packages: run apt-get install ngspice as root"
				return 1
			fi
		fi
		$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends ngspice
	elif command -v brew >/dev/null 2>&1; then
		brew install --quiet ngspice
	else
		say "no package manager that is known here"
		return 1
	fi
}
say "ngspice is missing, installing it"
if install >/dev/null 2>&1 && command -v ngspice >/dev/null 2>&1; then
	say "$(ngspice --version 2>/dev/null | grep -o 'ngspice-[0-9]*' | head -n 1) installed"
else
	say "ngspice could not be installed: circuits are scored by their form alone, and the scoreboard says so"
fi
exit 0
