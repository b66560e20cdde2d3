import type { StoreSettings } from '../../src/analytics/index.js'

/** Bounds for tests. */
export const settings: StoreSettings = {
  limits: {
    personCharactersMax: 512,
    textCharactersMax: 65_536,
    setElementsMax: 10_000,
    rowsPerEventMax: 10_000,
    depthMax: 16,
  },
  rowsPerPersonMax: 100_000,
  insertsMax: 256,
  resultCharactersMax: 1 << 26,
  cacheBytesMax: 1 << 24,
}
