import { type EventColumn, problemOf } from '../analytics/index.js'
import { Problem } from '../lib/index.js'
import {
  compile,
  type Mode,
  type Parameters,
  type Program,
  type ResultLimits,
  type ScanLimits,
  type TableColumn,
} from '../pyql/index.js'

const KEPT_MAX = 500

export interface CompileSettings {
  readonly scriptCharactersMax: number
  readonly scan: ScanLimits
}

/** Compiles scripts, remembers programs, and knows the bounds of scans. */
export class Compile {
  readonly settings: CompileSettings
  readonly #kept = new Map<string, Program>()

  constructor(settings: CompileSettings) {
    this.settings = settings
  }

  /**
   * @param columns those that the script may know
   * @throws Problem script_invalid, script_limit
   */
  compile(
    columns: readonly Pick<EventColumn, 'name' | 'type' | 'isSet'>[],
    script: string,
    mode: Mode,
    options: { parameters?: Parameters; each?: boolean } = {},
  ): Program {
    const { scriptCharactersMax } = this.settings
    if (script.length > scriptCharactersMax) {
      throw new Problem('script_limit', {
        reason: `The script is longer than ${scriptCharactersMax} characters (setting events.script_characters_max).`,
      })
    }
    const known: TableColumn[] = columns.map(({ name, type, isSet }) => ({ name, type, isSet }))
    const { parameters, each = false } = options
    const key = JSON.stringify([mode, each, script, known, [...(parameters ?? [])]])
    let program = this.#kept.get(key)
    if (program) return program
    try {
      program = compile(script, { mode, columns: known, each, ...(parameters && { parameters }) })
    } catch (error) {
      throw problemOf(error)
    }
    if (this.#kept.size >= KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value!)
    this.#kept.set(key, program)
    return program
  }

  /** Options of a scan that begins now. Each segment has groups and texts of its own: they share what one would get. */
  scanOptions({ sessionTime = SESSION_MS, trace = false, segments = 1 } = {}) {
    const { scan } = this.settings
    const { nodesMax } = this.resultLimits(segments)
    const charactersMax = shareOf(scan.charactersMax, segments)
    return { now: Date.now(), sessionTime, trace, limits: { ...scan, nodesMax, charactersMax } }
  }

  /** Limits of an answer, in which the texts of all segments stand once. */
  resultLimits(segments: number): ResultLimits {
    const { nodesMax, charactersMax } = this.settings.scan
    return { nodesMax: shareOf(nodesMax, segments), charactersMax }
  }
}

function shareOf(limit: number, segments: number): number {
  return Math.max(1, Math.floor(limit / Math.max(1, segments)))
}

/** A pause of more than half an hour begins a new session. */
const SESSION_MS = 1_800_000
