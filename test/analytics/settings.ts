import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  receiptLifeMs: 86_400_000,
  resultCharactersMax: 1 << 26,
  cacheBytesMax: 1 << 24,
}

export const ENVIRONMENTS = 3

/** A folder for event data with the same number of environments on every machine. */
export function eventFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'events-'))
  writeFileSync(join(folder, 'format.json'), JSON.stringify({ format: 1, environments: ENVIRONMENTS }))
  return folder
}

/** Of columns. */
export const columnLimits = { valuesMax: 1_000_000, charactersMax: 1 << 26 }
