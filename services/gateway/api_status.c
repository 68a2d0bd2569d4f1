#include "services/gateway/api_status.h"

#include <stddef.h>

/* As google.rpc.Code says, but for FAILED_PRECONDITION: it is about the state of what was asked
 * for. */
static const unsigned https[] = {
	[DAVIT__REPLY__STATUS__OK] = 200,
	[DAVIT__REPLY__STATUS__CANCELLED] = 499,
	[DAVIT__REPLY__STATUS__UNKNOWN] = 500,
	[DAVIT__REPLY__STATUS__INVALID_ARGUMENT] = 400,
	[DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED] = 504,
	[DAVIT__REPLY__STATUS__NOT_FOUND] = 404,
	[DAVIT__REPLY__STATUS__ALREADY_EXISTS] = 409,
	[DAVIT__REPLY__STATUS__PERMISSION_DENIED] = 403,
	[DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED] = 429,
	[DAVIT__REPLY__STATUS__FAILED_PRECONDITION] = 409,
	[DAVIT__REPLY__STATUS__ABORTED] = 409,
	[DAVIT__REPLY__STATUS__OUT_OF_RANGE] = 400,
	[DAVIT__REPLY__STATUS__UNIMPLEMENTED] = 501,
	[DAVIT__REPLY__STATUS__INTERNAL] = 500,
	[DAVIT__REPLY__STATUS__UNAVAILABLE] = 503,
	[DAVIT__REPLY__STATUS__DATA_LOSS] = 500,
	[DAVIT__REPLY__STATUS__UNAUTHENTICATED] = 401,
};

unsigned
api_status_http(Davit__Reply__Status status)
{
	size_t i = (size_t)status;

	return i < sizeof https / sizeof https[0] ? https[i] : 500;
}
