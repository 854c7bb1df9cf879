#!/usr/bin/env sh
# Installs what lorabench uses and Go does not bring. Each word is one thing:
#
#   ngspice     simulates the circuits that a model writes (the default)
#   bubblewrap  is what tests compare our own sandbox with
#   kicad       kicad-cli of KiCad 9, which checks schematics: unpacked below
#               ~/.cache/lorabench (as root /opt/lorabench: whom it runs as may
#               not read root's files), nothing of the system is changed and no
#               rights are needed (55 to 105 MB to fetch, 120 MB or more on disk)
#
# What cannot be installed is said, and is no failure: scorers and tests say what
# they leave out.
say() { echo "setup: $*" >&2; }

# package NAME COMMAND: a package of the system.
package() {
	if command -v apt-get >/dev/null 2>&1; then
		root=""
		if [ "$(id -u)" != 0 ]; then
			if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
				root="sudo -n"
			else
				say "no rights to install packages: run apt-get install $1 as root"
				return 1
			fi
		fi
		$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$1"
	elif command -v brew >/dev/null 2>&1; then
		brew install --quiet "$1"
	else
		say "no package manager that is known here"
		return 1
	fi
}

ngspice() {
	command -v ngspice >/dev/null 2>&1 && return
	say "ngspice is missing, installing it"
	if package ngspice >/dev/null 2>&1 && command -v ngspice >/dev/null 2>&1; then
		say "$(ngspice --version 2>/dev/null | grep -o 'ngspice-[0-9]*' | head -n 1) installed"
	else
		say "ngspice could not be installed: circuits have no score, those of the demo are scored by their form alone"
	fi
}

bubblewrap() {
	command -v bwrap >/dev/null 2>&1 && return
	if package bubblewrap >/dev/null 2>&1; then
		say "bubblewrap installed"
	else
		say "bubblewrap could not be installed: the sandbox is not compared with it"
	fi
}

# Packages that KiCad depends on and kicad-cli does not need to check schematics.
unneeded='^(libocct-|occt-|python3|libpython3[^=]*-|kicad-(libraries|symbols|footprints|templates|packages3d|demos)|fonts-|adwaita-|hicolor-|libllvm|mesa-|libgl1-mesa-dri|libgallium|xsltproc|libblas|liblapack|libgfortran|ngspice|tzdata|media-types|mailcap|mime-support|dconf-|gsettings-|at-spi2-core|dbus|systemd|libpam-|gtk-update-icon-cache|libgtk-3-bin|iso-codes|perl|xkb-data|shared-mime-info|libnss-|adduser|passwd|procps|netbase|unixodbc)'

kicad() {
	prefix=${XDG_CACHE_HOME:-$HOME/.cache}/lorabench/kicad
	[ "$(id -u)" = 0 ] && prefix=/opt/lorabench/kicad
	if command -v kicad-cli >/dev/null 2>&1 || [ -x "$prefix/usr/bin/kicad-cli" ]; then
		return
	fi
	say "kicad-cli is missing, unpacking KiCad 9 below $prefix"
	work=$(mktemp -d) && chmod 755 "$work" || return
	if unpack_kicad "$work" >"$work/log" 2>&1; then
		rm -rf "$prefix" && mkdir -p "$(dirname "$prefix")" && mv "$work/kicad" "$prefix"
		say "kicad-cli $(cat "$work/version") unpacked, $(du -sm "$prefix" | cut -f1) MB"
	else
		say "kicad-cli could not be unpacked: the tasks erc and erc_delta have no score"
		tail -n 3 "$work/log" | sed 's/^/setup:   /' >&2
	fi
	rm -rf "$work"
}

# unpack_kicad WORK: fetches packages into WORK and unpacks them to WORK/kicad,
# with a configuration of apt of its own.
unpack_kicad() {
	command -v apt-get && command -v dpkg || { echo "only Debian's packages are known"; return 1; }
	. /etc/os-release
	case "$ID-$VERSION_CODENAME" in
	debian-bookworm) suites="bookworm bookworm-backports" target=bookworm-backports ;;
	debian-?*) suites=$VERSION_CODENAME target=$VERSION_CODENAME ;; # trixie has 9.0
	*) echo "only Debian's packages are known, this is $ID $VERSION_CODENAME"; return 1 ;;
	esac
	mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1)
	[ -n "$mirror" ] || { echo "the sources of apt name no archive of Debian"; return 1; }
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/debs" "$1/kicad" || return
	for suite in $suites; do
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
	done >"$1/sources.list"
	cat >"$1/apt.conf" <<-CONF
		Dir::Etc::SourceList "$1/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State::Lists "$1/lists";
		Dir::Cache "$1/cache";
		Debug::NoLocking "true";
		APT::Sandbox::User "";
		Acquire::Retries "3";
	CONF
	export APT_CONFIG="$1/apt.conf"
	apt-get update -qq || return
	# The system's own libraries are used where they are there.
	apt-get install -s --no-install-recommends -t "$target" kicad >"$1/plan" || return
	wanted=$(sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p' "$1/plan" | grep -Ev "$unneeded")
	# shellcheck disable=SC2086
	(cd "$1/debs" && apt-get download -qq $wanted) || return
	for deb in "$1"/debs/*.deb; do
		dpkg -x "$deb" "$1/kicad" || return
	done
	cd "$1/kicad/usr" || return
	# What only the editors need.
	rm -rf share/doc share/man share/locale share/icons share/kicad/resources share/themes share/lintian
	find bin lib/kicad ! -type d ! -name kicad-cli ! -name _eeschema.kiface ! -name _cvpcb.kiface -delete
	multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || ls lib | grep -- -linux-gnu | head -n 1)
	rm -rf "lib/$multiarch/dri" "lib/$multiarch"/libLLVM*
	libraries=$PWD/lib/$multiarch:$PWD/lib/$multiarch/kicad
	if LD_LIBRARY_PATH=$libraries ldd bin/kicad-cli bin/_eeschema.kiface bin/_cvpcb.kiface | grep 'not found'; then
		return 1
	fi
	LD_LIBRARY_PATH=$libraries HOME="$1" bin/kicad-cli version 2>/dev/null | tail -n 1 >"$1/version" && [ -s "$1/version" ]
}

for thing in "${@:-ngspice}"; do
	case $thing in
	ngspice | bubblewrap | kicad) "$thing" ;;
	*) say "what is $thing? want ngspice, bubblewrap, kicad" && exit 2 ;;
	esac
done
exit 0
