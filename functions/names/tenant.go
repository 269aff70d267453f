package names

// TenantHeader says whose request it is, on one machine: the local stack makes it the
// claim of the caller's token that names the tenant. No deployed API reads it.
const TenantHeader = "X-Daybook-Tenant"
