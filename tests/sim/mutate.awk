# mutate.awk - puts one mutant into the sources it is about.
#
#   awk -v out=DIR -f mutate.awk NN-name.mutant    writes the changed files below DIR, prints their paths
#   awk -f mutate.awk NN-name.mutant               only says whether it applies
#
# A mutant is a file of
#   rule: the rule that it breaks, in one sentence
#   @@ services/manager        where to look: a folder of sources, or one file
#    a line that stays         as in a diff, but without numbers: blanks at the ends do not count,
#   -a line that goes          and the lines are found wherever they are in the folder, so they
#   +a line that comes         must be there exactly once
# with one or more such pieces. Exit status 1 and a sentence if it does not apply.

function fail(why) {
	print "mutant " FILENAME ": " why ": adapt it to the code, or replace it" > "/dev/stderr"
	failed = 1
	exit 1
}

function trimmed(text) {
	gsub(/[ \t]+/, " ", text)
	sub(/^ /, "", text)
	sub(/ $/, "", text)
	return text
}

# Reads every source of the place; one that an earlier piece changed is as it left it.
function read_place(place,    list, path, line, n) {
	list = place ~ /\.c$/ ? "ls " place : "ls " place "/*.c"
	n_paths = 0
	while ((list | getline path) > 0) {
		paths[++n_paths] = path
		if (path in n_lines)
			continue
		n = 0
		while ((getline line < path) > 0)
			text[path, ++n] = line
		close(path)
		n_lines[path] = n
	}
	close(list)
}

function is_at(path, at,    i) {
	for (i = 1; i <= n_old; i++)
		if (trimmed(text[path, at + i - 1]) != old[i])
			return 0
	return 1
}

function replace(path, at,    i, shift, n) {
	n = n_lines[path]
	shift = n_new - n_old
	if (shift > 0)
		for (i = n; i >= at + n_old; i--)
			text[path, i + shift] = text[path, i]
	else if (shift < 0)
		for (i = at + n_old; i <= n; i++)
			text[path, i + shift] = text[path, i]
	for (i = 1; i <= n_new; i++)
		text[path, at + i - 1] = new[i]
	n_lines[path] = n + shift
	is_changed[path] = 1
}

function end_piece(    p, i, n_found, found_in, found_at) {
	if (place == "")
		return
	if (n_old == 0)
		fail("a piece names no line that is there")
	read_place(place)
	for (p = 1; p <= n_paths; p++)
		for (i = 1; i + n_old - 1 <= n_lines[paths[p]]; i++)
			if (is_at(paths[p], i)) {
				n_found++
				found_in = paths[p]
				found_at = i
			}
	if (n_found != 1)
		fail("what it changes in " place " is there " (n_found + 0) " times, not once (\"" old[1] "\" ...)")
	replace(found_in, found_at)
	n_pieces++
	place = ""
}

/^@@ / {
	end_piece()
	place = $2
	n_old = n_new = 0
	next
}
place == "" && /^rule: / { rule = substr($0, 7); next }
place == "" { next }
/^-/ { old[++n_old] = trimmed(substr($0, 2)); next }
/^\+/ { new[++n_new] = substr($0, 2); next }
{ old[++n_old] = trimmed(substr($0, 2)); new[++n_new] = substr($0, 2) }

END {
	if (failed)
		exit 1
	end_piece()
	if (failed)
		exit 1
	if (rule == "")
		fail("it does not say its rule")
	if (n_pieces == 0)
		fail("it changes nothing")
	for (path in is_changed) {
		if (out == "")
			continue
		target = out "/" path
		folder = target
		sub(/\/[^\/]*$/, "", folder)
		system("mkdir -p '" folder "'")
		for (i = 1; i <= n_lines[path]; i++)
			print text[path, i] > target
		close(target)
		print path
	}
}
