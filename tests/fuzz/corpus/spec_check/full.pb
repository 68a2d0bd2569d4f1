
webRnginx:1.25@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef*a*b2
A12
BR
xyXÜ`€€€ z
nofileÿÿÿÿÿÿÿÿÿŠ
	/dev/fuserwmšP?"::1*httpšQ¢
n1dbª
/a/bª/c(² 2º
true ÂRTMIN+3Èú
local
max-size1m‚ALL²a=bº

net.x1Â	a:1.2.3.4Ê::1Ò.âlinux/arm64/v8‚node.labels.x != yª