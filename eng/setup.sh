#!/usr/bin/env bash
# Sets up what Fabula needs: packages, the native library, the .NET build. ./fabula and ./test source this file and call `set_up`;
# run alone it sets up the product and stops. When nothing is missing or changed it compares a few file times and starts no
# dotnet at all. Everything it says goes to stderr, so that the product's own output stays clean. Exit code 2: set-up failed.
#
#   FABULA_LIBTORCH=/path   another libtorch (a folder with include/ and lib/), for example an official CUDA build, instead of libtorch-dev

set -euo pipefail

root=$(readlink -f "${BASH_SOURCE[0]}")
root=${root%/eng/setup.sh}
artifacts=$root/artifacts
product=$artifacts/bin/Fabula.Cli/release/fabula.dll
native_source=$root/src/Fabula.Torch/native

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
export DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=true
# The SDK and NuGet keep their files at home; a service account may have none.
if [[ -z ${HOME-} || ! -w $HOME ]]; then export HOME=$artifacts/home; fi

say() { printf 'fabula: %s\n' "$*" >&2; }
stop() { say "$*"; exit 2; }

# step NAME COMMAND...: runs the command into artifacts/logs/NAME.log; when it fails, shows the log's end and leaves.
# The lock (file 9) is not handed down: a process that outlives the step must not hold it.
step() {
    local name=$1 log=$artifacts/logs/$1.log code=0
    shift
    "$@" >"$log" 2>&1 </dev/null 9>&- || code=$?
    if ((code != 0)); then
        tail -n 40 "$log" >&2
        [[ -n $unfinished ]] && rm -f "$unfinished"  # failed, not interrupted: what is there is sound
        stop "the step '$name' failed (code $code). Its last lines are above, all of them in $log."
    fi
}

# --- packages -------------------------------------------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }
have_file() { compgen -G "$1" >/dev/null; }

# Prints the Debian packages that are not there. Looks for what they bring, not for the package: another build of cmake will do.
missing_packages() {
    if [[ -z $libtorch ]]; then
        { [[ -f /usr/include/torch/csrc/autograd/autograd.h || -f /usr/local/include/torch/csrc/autograd/autograd.h ]] &&
            [[ -n $(system_libtorch) ]]; } || echo libtorch-dev
    fi
    have g++ || echo g++
    have cmake || echo cmake
    have make || echo make
    have ffmpeg || echo ffmpeg
    have_file '/usr/lib/*/libcairo.so.2' || have_file '/usr/lib*/libcairo.so.2' || have_file '/usr/local/lib/libcairo.so.2' ||
        echo libcairo2
}

system_libtorch() {
    compgen -G '/usr/lib/*/libtorch_cpu.so' || compgen -G '/usr/lib*/libtorch_cpu.so' || compgen -G '/usr/local/lib/libtorch_cpu.so' || true
}

install_packages() {
    local install=(apt-get install -y --no-install-recommends "$@") by=()
    have apt-get || stop "these are missing: $* (Debian's names). Install them with this system's package manager and start again."
    local by_hand="sudo apt-get update && sudo ${install[*]}"
    if ((EUID != 0)); then
        have sudo || stop "these packages are missing: $*. As root, run:  apt-get update && ${install[*]}"
        if sudo -n true 2>/dev/null; then by=(sudo -n)
        elif [[ -t 0 && -t 2 && -z ${CI-} ]]; then
            say "these packages are missing: $*. sudo asks for your password to install them (Ctrl-C to do it yourself)."
            sudo -v || stop "not installed. Run:  $by_hand"
            by=(sudo)
        else stop "these packages are missing: $*. Run:  $by_hand"
        fi
    fi
    say "installing $* ..."
    local apt=(env DEBIAN_FRONTEND=noninteractive)
    # An unreachable extra source must not keep us from installing out of the others.
    "${by[@]}" apt-get update -q >"$artifacts/logs/apt-update.log" 2>&1 </dev/null 9>&- || say "apt-get update complained; going on."
    step apt "${by[@]}" "${apt[@]}" "${install[@]}" -o DPkg::Lock::Timeout=300
    local left
    left=$(missing_packages | tr '\n' ' ')
    [[ -z $left ]] || stop "apt-get installed everything, yet this is still not found: $left. On this system the package may be too old."
}

# --- the native library ---------------------------------------------------------------------------------------------------

# Where the library for the chosen libtorch is built. The system's is the one that the .NET build copies beside every program;
# any other has a folder of its own and is named to the program by FABULA_SHIM.
choose_libtorch() {
    libtorch='' native=$artifacts/native
    if [[ -n ${FABULA_LIBTORCH-} ]]; then
        libtorch=$(cd "$FABULA_LIBTORCH" 2>/dev/null && pwd -P) || stop "FABULA_LIBTORCH=$FABULA_LIBTORCH is not a folder."
        [[ -f $libtorch/lib/libtorch_cpu.so && -d $libtorch/include/torch ]] || stop "FABULA_LIBTORCH=$FABULA_LIBTORCH is not a libtorch:" \
            "it has no lib/libtorch_cpu.so or no include/torch. Unpack an archive that holds both and name its folder."
        local key
        key=$(printf %s "$libtorch" | sha256sum)
        native=$artifacts/native-${key:0:12}
        export FABULA_SHIM=$native/libfabula_torch.so
    fi
    shim=$native/libfabula_torch.so
}

native_is_current() {
    [[ -f $shim && -f $native/.built && ! -e $native/.building ]] || return 1
    [[ -z $(find "$native_source" -newer "$native/.built" -print -quit 2>/dev/null) ]] || return 1
    ! libtorch_changed
}

# Another libtorch installed in the old one's place carries its packager's dates: its change time tells.
libtorch_changed() {
    local library=$libtorch/lib/libtorch_cpu.so
    if [[ -z $libtorch ]]; then library=$(system_libtorch); fi
    [[ -n $(find -L "${library%%$'\n'*}" -cnewer "$native/.built" -print -quit 2>/dev/null) ]]
}

build_native() {
    say "building the native library (once, about a minute) ..."
    # Start afresh after an interrupted build, after the folder has moved, and for another libtorch.
    if [[ -e $native/.building || ! -f $native/.built ]] || libtorch_changed ||
        ! grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$native_source" "$native/CMakeCache.txt"; then
        rm -rf "$native"
    fi
    mkdir -p "$native"
    unfinished=$native/.building
    : >"$unfinished"
    step native-configure cmake -S "$native_source" -B "$native" -DCMAKE_BUILD_TYPE=Release "-DFABULA_LIBTORCH=$libtorch"
    step native-build cmake --build "$native" --parallel "$(nproc)"
    mv "$unfinished" "$native/.built"  # its time is the build's start: what changed since then is newer
    unfinished=''
}

# --- the .NET build -------------------------------------------------------------------------------------------------------

# $1: product or all. Every file that the build reads counts; a file added or deleted shows in its folder's time.
dotnet_is_current() {
    local stamp=$artifacts/bin/.$1 inputs=("$root/src" "$root/global.json" "$root/.editorconfig" "$root"/Directory.*)
    [[ -f $stamp && -f $product && ! -e $artifacts/bin/.building ]] || return 1
    if [[ $1 == all ]]; then inputs+=("$root"/*.slnx "$root/tests"); fi
    if [[ -z $libtorch ]]; then inputs+=("$shim"); fi
    [[ -z $(find "${inputs[@]}" -newer "$stamp" -print -quit 2>/dev/null) ]]
}

get_dotnet='Install the package dotnet-sdk-10.0 (https://learn.microsoft.com/dotnet/core/install/linux) and start again.'

find_dotnet() {
    local folder
    have dotnet && return
    for folder in "${DOTNET_ROOT-}" "${HOME-}/.dotnet" /usr/share/dotnet /usr/lib/dotnet /usr/local/share/dotnet; do
        if [[ -n $folder && -x $folder/dotnet ]]; then export PATH=$folder:$PATH; return; fi
    done
    stop "the .NET 10 SDK is missing. $get_dotnet"
}

build_dotnet() {
    local target=$root/src/Fabula.Cli/Fabula.Cli.csproj mode=() version
    if [[ $1 == all ]]; then target=$root/Fabula.slnx; fi
    version=$(cd "$root" && dotnet --version 2>&1) || stop "no .NET 10 SDK here (dotnet says: ${version%%$'\n'*}). $get_dotnet"
    say "building Fabula ..."
    if [[ -e $artifacts/bin/.building ]]; then mode=(--no-incremental); fi  # the last build was cut off: trust none of its files
    mkdir -p "$artifacts/bin"
    unfinished=$artifacts/bin/.building
    : >"$unfinished"
    step dotnet-build dotnet build "$target" -c Release --nologo -v minimal --disable-build-servers "${mode[@]}"
    touch -r "$unfinished" "$artifacts/bin/.product"
    if [[ $1 == all ]]; then touch -r "$unfinished" "$artifacts/bin/.all"; fi
    rm "$unfinished"
    unfinished=''
}

# --- all of it ------------------------------------------------------------------------------------------------------------

# set_up product|all: afterwards the product (and the tests) are built from the sources as they are, and `dotnet` is on PATH.
set_up() {
    local missing
    unfinished=''
    choose_libtorch
    find_dotnet
    missing=$(missing_packages)
    if [[ -z $missing ]] && native_is_current && dotnet_is_current "$1"; then return; fi

    if ! mkdir -p "$artifacts/logs" "$artifacts/home" 2>/dev/null || [[ ! -w $artifacts || ! -w $artifacts/logs ]]; then
        stop "$artifacts cannot be written by $(id -un). Take it back with:  sudo chown -R $(id -un) '$artifacts'"
    fi
    exec 9>"$artifacts/.lock"
    if ! flock -n 9; then
        say "another set-up is at work here; waiting for it ..."
        flock 9
    fi
    missing=$(missing_packages)
    # shellcheck disable=SC2086  # one word per package
    if [[ -n $missing ]]; then install_packages $missing; fi
    if ! native_is_current; then build_native; fi
    if ! dotnet_is_current "$1"; then build_dotnet "$1"; fi
    exec 9>&-
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then set_up product; fi
