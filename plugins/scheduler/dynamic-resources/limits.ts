/** Steps of the search on one node. Some hundred thousand a second: a node costs some 50 ms at most. */
export const SEARCH_STEPS_MAX = 20_000;
/** Devices of one claim, upstream's AllocationResultsMaxSize. */
export const RESULTS_MAX = 32;
/** Users of one claim, upstream's ResourceClaimReservedForMaxSize. */
export const RESERVED_FOR_MAX = 256;
/** Compiled selectors that are kept. A cluster has some per device class; claims add few. */
export const SELECTORS_MAX = 256;
/** Tries to write a claim that others write too; upstream's DefaultRetry. */
export const WRITE_TRIES_MAX = 5;
