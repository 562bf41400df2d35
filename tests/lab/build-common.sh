# Sourced by the build-* scripts. The first argument is the directory to fill, others are artifacts it is made from.
set -eu
export LC_ALL=C
umask 022

here=$(cd "$(dirname "$0")" && pwd)
. /etc/os-release
# The guest has the host's release. Another one can be tried, without installing the project in it.
VERSION_CODENAME=${NVCCD_LAB_RELEASE:-$VERSION_CODENAME}
mirror=${NVCCD_LAB_MIRROR:-http://deb.debian.org/debian}

say() { echo "lab: $*" >&2; }
die() { say "$*"; exit 1; }

[ $# -ge 1 ] || die "usage: $(basename "$0") DIRECTORY [ARTIFACT...]"
out=$1
mkdir -p "$out"
[ "$(id -u)" = 0 ] || die "mmdebstrap needs root here: run the lab as root"
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing: run packaging/install-dependencies"

case $VERSION_CODENAME in
  bookworm | trixie) ;;
  *) die "the guest has the host's release, and only Debian 12 (bookworm) and 13 (trixie) are known, not $VERSION_CODENAME" ;;
esac

# sources SUITE... prints an apt source for Debian's suites.
sources() {
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$mirror" "$*"
  printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n'
}

# bootstrap VARIANT SUITE DIRECTORY SOURCES [mmdebstrap options]
# A mirror's copy of a suite may be older than its Release file's validity, hence the apt option.
bootstrap() {
  variant=$1 suite=$2 directory=$3 list=$4
  shift 4
  mmdebstrap --quiet --aptopt='Acquire::Check-Valid-Until "false"' --variant="$variant" "$@" \
    "$suite" "$directory" "$list" 2>&1 | { grep -v '^W: skipping mounting' >&2 || true; }
}

# Debian 12's own kernel is too old for the lab, its backport is not.
case $VERSION_CODENAME in
  bookworm) kernel_suites="bookworm bookworm-backports" kernel_suffix=/bookworm-backports ;;
  *) kernel_suites=$VERSION_CODENAME kernel_suffix= ;;
esac
