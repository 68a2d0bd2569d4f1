/* Specs that say the same are one; tested by tests/unit/test_manager_submit.c. */
#include <assert.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/rpc/pack.h"
#include "common/rpc/unpack.h"
#include "services/manager/model_impl.h"

struct wording {
	Davit__TaskSpec *spec;
	uint32_t n_users;
	bool is_found; /* by its hash; another one with that hash came first otherwise */
	uint64_t hash; /* of its packed form */
	UT_hash_handle hh;
};

/* Hashes are no proof: anybody can make two specs that share one. */
static bool
says(const struct wording *wording, const struct buf *packed)
{
	CLEANUP(buf_fini) struct buf own = {0};

	rpc_pack(&wording->spec->base, &own);
	return own.size == packed->size && memcmp(own.data, packed->data, own.size) == 0;
}

static Davit__TaskSpec *
unpack(const struct buf *packed)
{
	ProtobufCMessage *message;
	struct pbjson_err err;
	int rc = rpc_unpack(&davit__task_spec__descriptor, packed->data, packed->size, &message,
		&err);

	assert(rc == 0); /* it was packed just now, from one that was checked */
	(void)rc;
	return (Davit__TaskSpec *)message;
}

struct wording *
model_wording_ref(struct model *model, const Davit__TaskSpec *spec)
{
	CLEANUP(buf_fini) struct buf packed = {0};
	struct wording *wording, *found;
	uint64_t hash;

	rpc_pack(&spec->base, &packed);
	hash = rpc_hash_bytes(RPC_HASH_START, packed.data, packed.size);
	HASH_FIND(hh, model->wordings, &hash, sizeof hash, found);
	if (found != NULL && says(found, &packed)) {
		found->n_users++;
		return found;
	}
	wording = xcalloc(1, sizeof *wording);
	wording->spec = unpack(&packed);
	wording->n_users = 1;
	model->n_wordings++;
	wording->hash = hash;
	wording->is_found = found == NULL;
	if (wording->is_found)
		HASH_ADD(hh, model->wordings, hash, sizeof wording->hash, wording);
	return wording;
}

void
model_wording_unref(struct model *model, struct wording *wording)
{
	if (--wording->n_users > 0)
		return;
	if (wording->is_found)
		HASH_DEL(model->wordings, wording);
	model->n_wordings--;
	davit__task_spec__free_unpacked(wording->spec, NULL);
	free(wording);
}

Davit__TaskSpec *
model_wording_spec(const struct wording *wording)
{
	return wording->spec;
}
