#!/bin/bash
# Runs all tests; arguments go to `cargo test`. On Debian and its kin the servers and tools that the tests run against
# are installed first, if they are missing (as root, or by sudo); no service is started by that.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/sbin"

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need dovecot dovecot-imapd
need mbsync isync
need offlineimap offlineimap3
need getmail getmail6
need mutt mutt
need interimap interimap
need exim4 exim4-daemon-light
need openssl openssl
need gnome-keyring-daemon gnome-keyring
need dbus-run-session dbus
need secret-tool libsecret-tools
need Xvfb xvfb
need openbox openbox
need xdotool xdotool
need node nodejs
need npm npm
need chromium chromium
# What a window needs is loaded while it opens, so it has no program by whose name it could be found.
if command -v dpkg >/dev/null 2>&1; then
  for package in libgl1 libegl1 libgl1-mesa-dri libx11-xcb1 libxkbcommon-x11-0 libxcursor1 libxi6; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
fi

as_root=()
if [ ${#missing[@]} -gt 0 ] && [ -e /etc/debian_version ]; then
  echo "The tests need these Debian packages, which are installed now: ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "That needs root: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    # Without it the package would start a mail server on this machine.
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
  fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
elif [ ${#missing[@]} -gt 0 ]; then
  echo "Not on this machine: ${missing[*]}. The tests that need them say that they are skipped."
fi

# Other servers of the field, whose packages exclude Dovecot's: unpacked beside, with the libraries that they need and this system
# lacks, and started by the tests alone.
unpack() {
  local folder=$1 needed packages
  shift
  needed=$(apt-get install -s --no-install-recommends "$@" | awk '/^Inst (lib|guile)/ {print $2}') || return 1
  packages=$(mktemp -d)
  # shellcheck disable=SC2086
  (cd "$packages" && apt-get download -q "$@" $needed) || return 1
  mkdir -p "$folder"
  for package in "$packages"/*.deb; do dpkg -x "$package" "$folder"; done
  rm -rf "$packages"
}
need_unpacked() {
  local folder="${CARGO_TARGET_DIR:-target}/tmp/$1" program=$2
  shift 2
  [ -e /etc/debian_version ] && ! [ -x "$folder/$program" ] || return 0
  unpack "$folder" "$@" || { "${as_root[@]}" apt-get update -q && unpack "$folder" "$@"; }
}
need_unpacked courier usr/bin/imapd courier-imap courier-authlib
need_unpacked cyrus usr/lib/cyrus/bin/imapd cyrus-imapd cyrus-common
need_unpacked mailutils usr/sbin/imap4d mailutils-imap4d

# The provider that the tests sign in to, as its lock file says.
if command -v npm >/dev/null 2>&1 && ! [ tests/oauth/node_modules/.package-lock.json -nt tests/oauth/package-lock.json ]; then
  npm ci --prefix tests/oauth --no-audit --no-fund --silent
fi

# The browser's script and the check of what the secured form shows; the browser itself is the system's.
if command -v npm >/dev/null 2>&1 && ! [ tests/browser/node_modules/.package-lock.json -nt tests/browser/package-lock.json ]; then
  npm ci --prefix tests/browser --no-audit --no-fund --silent
fi

# Most tests wait for servers more than they work.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((2 * $(getconf _NPROCESSORS_ONLN)))}"

# What hangs must not hang the run: after this time the tests that have not ended are named, with what runs then, and a minute
# later all of it is ended. What is told goes through a file, so that a process which outlives its test holds nothing open that
# somebody reads to its end.
limit="${TEST_LIMIT:-4200}"
bounded=()
if command -v timeout >/dev/null 2>&1; then bounded=(timeout --kill-after=30 "$((limit + 60))"); fi
told=$(mktemp)
tail -n +1 -f "$told" &
shows=$!
watch() {
  while [ "$SECONDS" -lt "$limit" ]; do sleep 5; done
  echo "== The tests have not ended after $limit s (TEST_LIMIT). Over a minute already, and no end:"
  awk '/has been running for over/ {left[$2] = 1} /^test .* \.\.\. / {delete left[$2]} END {for (name in left) print "  " name}' "$told"
  echo "== What runs:"
  ps -eo pid,ppid,etimes,stat,wchan:20,comm,args | awk '$1 > 2 && $2 != 2' | cut -c1-150 | tail -60
}
SECONDS=0
watch &
watches=$!
status=0
${bounded[@]+"${bounded[@]}"} cargo test --locked -j2 "$@" >"$told" 2>&1 || status=$?
kill "$watches" 2>/dev/null || true
sleep 2
kill "$shows"
echo "The tests, built and run: $SECONDS s."
rm -f "$told"
exit "$status"
