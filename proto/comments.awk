# comments.awk - prints a C table of what the .proto files say of each name: what stands above it,
# else what stands behind it on its line.
#
#   LC_ALL=C sort is applied by this program's caller to the rows, since they are looked up by
#   bisection: awk -f comments.awk proto/*.proto | LC_ALL=C sort
function full(name, i, text) {
	text = "davit"
	for (i = 1; i <= depth; i++)
		text = text "." names[i]
	return name == "" ? text : text "." name
}
function emit(name, text) {
	gsub(/\\/, "\\\\", text)
	gsub(/"/, "\\\"", text)
	gsub(/[ \t]+/, " ", text)
	sub(/^ /, "", text)
	if (text != "")
		printf "\t{\"%s\", \"%s\"},\n", full(name), text
}
FNR == 1 { depth = 0; above = "" }
{
	line = $0
	behind = ""
	at = index(line, "//")
	if (at > 0) {
		behind = substr(line, at + 2)
		line = substr(line, 1, at - 1)
	}
	gsub(/^[ \t]+|[ \t]+$/, "", line)
}
line == "" && at > 0 { above = above " " behind; next }
line == "" { above = ""; next }
line ~ /^(message|enum|service|oneof)[ \t]/ {
	split(line, words, /[ \t{]+/)
	if (words[1] == "oneof")
		depth = depth # its fields are those of the message
	else {
		names[++depth] = words[2]
		emit("", above)
	}
	if (line ~ /}$/)
		depth--
	above = ""
	next
}
line ~ /^}/ { depth--; above = ""; next }
line ~ /^rpc[ \t]/ {
	split(line, words, /[ \t(]+/)
	emit(words[2], above)
	above = ""
	next
}
depth > 0 && line ~ /^[A-Za-z_0-9. \t]+=[ \t]*[0-9]+/ {
	split(line, sides, /[ \t]*=/)
	n = split(sides[1], words, /[ \t]+/)
	emit(words[n], above != "" ? above : behind)
}
{ above = "" }
