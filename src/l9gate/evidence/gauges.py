"""Names of gauges: promises to whoever reads evidence, never changed, only added."""

RSS = "rss_bytes"  # resident memory of one process, by the performance layer
MEMORY = "memory_bytes"  # of a whole tree of processes, by a soak
DESCRIPTORS, SOCKETS = "open_descriptors", "open_sockets"
THREADS, TASKS, OBJECTS = "threads", "asyncio_tasks", "gc_objects"
DISK = "disk_bytes"
CACHE_EXPIRIES, TOKEN_EXPIRIES = "cache_expiries", "token_expiries"
# For how many of its lifetimes the one in longest use was used; not read before one is used.
CACHE_LIVES, TOKEN_LIVES = "cache_lifetimes", "token_lifetimes"
LIMITS = {MEMORY: "memory_limit_bytes", DESCRIPTORS: "descriptor_limit"}
