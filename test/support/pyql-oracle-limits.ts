/** Far above what generated scripts need: the interpreter that they are compared with has no such limits. */
export const limits = {
  stepsMax: 10_000_000,
  memoryMax: 10_000_000,
  nodesMax: 100_000,
  charactersMax: 100_000_000,
  depthMax: 64,
  traceMax: 100_000,
}

/** How programs are run beside the interpreter. */
export const scanOptions = { now: 1_600_000_000_000, sessionTime: 1_800_000, trace: true, limits }
