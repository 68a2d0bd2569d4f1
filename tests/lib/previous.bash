# previous.bash - the programs of the release before, built from this repository's history. Sourced
# after deploy/lib.sh.
#
# Which one that was, and of which commit, is PREVIOUS in the Makefile. What is built is kept under
# build/previous; without optimisation it takes half a minute of one core.

previous_version() { sed -nE 's/^PREVIOUS := ([^ ]+) .*/\1/p' "$repo/Makefile"; }
previous_commit() { sed -nE 's/^PREVIOUS := [^ ]+ //p' "$repo/Makefile"; }
previous_bin() { echo "$repo/build/previous/$(previous_commit)/build/debug/bin"; }

# A copy without history, or with its end only, has nothing to build from.
previous_is_known() { git -C "$repo" cat-file -e "$(previous_commit)^{commit}" 2>/dev/null; }

# previous_build PROGRAM...: into previous_bin; those that are there stay.
previous_build() {
	local dir=$repo/build/previous/$(previous_commit)
	mkdir -p "$dir" || return
	(
		flock 8
		[ -e "$dir/Makefile" ] ||
			git -C "$repo" archive "$(previous_commit)" Makefile proto common services deploy/install.mk |
			tar x -C "$dir" || exit
		# The flags of the make that called are not for this one.
		unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MODE B
		make -C "$dir" -j"$(nproc)" CFLAGS_debug=-O0 "${@/#/build/debug/bin/}"
	) 8>"$dir.lock"
}
