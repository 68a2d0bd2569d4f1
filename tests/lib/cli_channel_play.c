#include "tests/lib/cli_channel_play.h"

#include <stdlib.h>

#include "common/base/mem.h"

void
channel_play_init(struct channel_play *play)
{
	*play = (struct channel_play){.out = ""};
	davit__open_channel_reply__init(&play->info);
}

void
channel_play_fini(struct channel_play *play)
{
	if (play->opened != NULL)
		davit__open_channel_request__free_unpacked(play->opened, NULL);
}

void
channel_play_open(struct cli_world *world, struct rpc_call *call)
{
	struct channel_play *play = world->user;
	size_t size = protobuf_c_message_get_packed_size(call->request);
	uint8_t *packed = xmalloc(size + 1);
	Davit__OpenChannelReply reply = play->info;

	(void)protobuf_c_message_pack(call->request, packed);
	channel_play_fini(play);
	play->opened = davit__open_channel_request__unpack(NULL, size, packed);
	free(packed);
	play->n_opened++;
	CHECK(call->request_id != NULL);
	reply.channel = (char *)"n1.c1";
	rpc_call_answer(call, &reply.base);
}

void
channel_play_read(struct cli_world *world, struct rpc_call *call)
{
	const Davit__ReadChannelRequest *request = (const void *)call->request;
	const struct channel_play *play = world->user;
	Davit__ReadChannelReply reply = DAVIT__READ_CHANNEL_REPLY__INIT;
	Davit__LogChunk chunk = DAVIT__LOG_CHUNK__INIT, *chunks[] = {&chunk};
	const char *out = play->archive != NULL ? play->archive : play->out;
	size_t size = play->archive != NULL ? play->archive_size : strlen(out);

	CHECK_STR(request->channel, "n1.c1");
	CHECK(request->offset <= size);
	chunk.has_data = true;
	chunk.data.data = (uint8_t *)(uintptr_t)out + request->offset;
	chunk.data.len = size - request->offset;
	reply.chunks = chunks;
	reply.n_chunks = chunk.data.len > 0 ? 1 : 0;
	reply.has_offset = reply.has_end = true;
	reply.offset = size;
	reply.end = reply.n_chunks == 0 && (!play->reads || play->in_ended);
	reply.has_exit_code = reply.end && play->has_exit_code;
	reply.exit_code = play->exit_code;
	reply.error = reply.end ? (char *)(uintptr_t)play->error : NULL;
	rpc_call_answer(call, &reply.base);
}

void
channel_play_write(struct cli_world *world, struct rpc_call *call)
{
	const Davit__WriteChannelRequest *request = (const void *)call->request;
	struct channel_play *play = world->user;
	Davit__WriteChannelReply reply = DAVIT__WRITE_CHANNEL_REPLY__INIT;

	CHECK_EQ(request->offset, play->n_in);
	CHECK(play->n_in + request->data.len <= sizeof play->in);
	if (request->data.len > 0)
		memcpy(play->in + play->n_in, request->data.data, request->data.len);
	play->n_in += request->data.len;
	play->in_ended |= request->end;
	if (play->input_fd > 0)
		(void)close(play->input_fd);
	play->input_fd = 0;
	reply.has_offset = true;
	reply.offset = play->n_in;
	rpc_call_answer(call, &reply.base);
}

void
channel_play_close(struct cli_world *world, struct rpc_call *call)
{
	struct channel_play *play = world->user;
	Davit__CloseChannelReply reply = DAVIT__CLOSE_CHANNEL_REPLY__INIT;

	play->n_closed++;
	rpc_call_answer(call, &reply.base);
}
