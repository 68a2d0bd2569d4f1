#!/bin/sh
# make_calls.sh - prints proto/calls.proto: the envelopes of rpc.proto with a typed
# field instead of bytes, for every method. `make golden` writes it to its place.
set -eu
cd "$(dirname "$0")"
services="manager.proto worker.proto scheduler.proto monitor.proto"
cat <<'HEAD'
// calls.proto - every call and its reply as one typed message, for `protoc --encode` and `--decode`.
//
// Made by proto/make_calls.sh from the services; do not edit. On the wire a
// davit.calls.XCall is a davit.Call whose request is an X's, and a davit.calls.XReply
// a davit.Reply. A default does not travel: name the method in the text, as in
//
//   echo 'method: "SubmitTasks" request { spec { image: "nginx" } } request_id: "1"' |
//     protoc -Iproto --encode=davit.calls.SubmitTasksCall proto/calls.proto > call
//   nngcat --req --dial tcp://127.0.0.1:7070 --file call --recv-timeout 5 --raw |
//     protoc -Iproto --decode=davit.calls.SubmitTasksReply proto/calls.proto
syntax = "proto2";

package davit.calls;

import "rpc.proto";
HEAD
for file in channel.proto chaos.proto $services; do
	echo "import \"$file\";"
done
# shellcheck disable=SC2086
sed -n 's/^ *rpc *\([A-Za-z]*\) *(\([A-Za-z]*\)) *returns *(\([A-Za-z]*\)).*/\1 \2 \3/p' $services |
	while read -r method request reply; do
		cat <<MESSAGES

message ${method}Call {
  optional string method = 1 [default = "$method"];
  optional .davit.$request request = 2;
  optional string request_id = 3;
  optional uint64 deadline_ms = 4;
  optional string token = 5;
  reserved 15;
}

message ${method}Reply {
  optional .davit.Reply.Status status = 1;
  optional string message = 2;
  optional .davit.$reply response = 3;
  optional string field = 4;
  optional string note = 5;
}
MESSAGES
	done
