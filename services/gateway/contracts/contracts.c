#include "services/gateway/contracts/contracts.h"

#include <stddef.h>

const struct http_route *const contracts[] = {contract_provision, contract_tasks,
	contract_containers, NULL};
