import type { EventTable } from '../analytics/index.js'
import { Problem } from '../lib/index.js'
import type { Program } from '../pyql/index.js'
import type { Compile } from './compile.js'
import type { Script, SegmentDefinition } from './segment-definition.js'

/** Segments that a request has defined without a ttl: they live as long as it, under names of their own. */
export type RequestSegments = Map<string, { readonly name: string; readonly reads: readonly string[] }>

/** The number of a column that every event has, or that there is not. */
const NO_COLUMN = 0

/** What the scripts of segments mean for a table as it is now: their programs, and the columns that they read. */
export class SegmentScripts {
  readonly #compile: Compile
  readonly #stored: (tableId: number) => ReadonlyMap<string, SegmentDefinition> | undefined

  /** @param stored the stored segments of a table, by name */
  constructor(compile: Compile, stored: (tableId: number) => ReadonlyMap<string, SegmentDefinition> | undefined) {
    this.#compile = compile
    this.#stored = stored
  }

  /** @throws Problem script_invalid, script_limit */
  program(table: EventTable, { script, columns }: Script): Program {
    const known = columns ? table.columns.filter(({ name }) => columns.includes(name)) : table.columns
    return this.#compile.compile(known, script, 'segment')
  }

  /** The program of a stored segment: whoever uses it by name is told whose mistake it is. */
  programOf(table: EventTable, definition: SegmentDefinition): Program {
    try {
      return this.program(table, definition)
    } catch (error) {
      throw inSegment(definition.name, error)
    }
  }

  /** Whether columns that it reads were dropped and made anew: who is in was found by values that are gone. */
  isOutdated(table: EventTable, { onInsert, reads, readIds }: SegmentDefinition): boolean {
    if (!onInsert || !reads || !readIds) return false
    const now = numbersOf(table, reads)
    const isThere = now.every((id, at) => id !== NO_COLUMN || readIds[at] === NO_COLUMN)
    return isThere && now.some((id, at) => id !== readIds[at])
  }

  /** Whether a stored segment is of this script, and its names mean the same to both authors. */
  isSame(table: EventTable, stored: SegmentDefinition, wanted: Script): boolean {
    if (stored.script !== wanted.script || !this.isKnown(table, stored, wanted.columns)) return false
    const [one, other] = [stored, wanted].map((script) => this.program(table, script).columns.map(({ name }) => name))
    return one!.join() === other!.join()
  }

  /** The columns that decide who is in, also by way of other segments. */
  reads(table: EventTable, script: Script, own: RequestSegments): readonly string[] {
    const { setMath, columns } = this.program(table, script)
    if (!setMath) return columns.map(({ name }) => name)
    const stored = this.#stored(table.id)
    const all = setMath.of.flatMap((name) => {
      const definition = stored?.get(name)
      return own.get(name)?.reads ?? (definition ? this.#readsOf(table, definition) : [])
    })
    return [...new Set(all)]
  }

  /** An older definition does not tell: then its script does, or, where that tells no more, it is all columns. */
  #readsOf(table: EventTable, definition: SegmentDefinition): readonly string[] {
    if (definition.reads) return definition.reads
    const all = table.columns.map(({ name }) => name)
    if (definition.fromSegments) return all
    try {
      return this.reads(table, definition, new Map())
    } catch {
      return all
    }
  }

  /** Whether all that decides who is in a segment is among the columns that somebody may know. */
  isKnown(table: EventTable, definition: SegmentDefinition, columns: readonly string[] | undefined): boolean {
    if (!columns) return true
    const live = new Set(table.columns.map(({ name }) => name))
    return this.#readsOf(table, definition).every((name) => !live.has(name) || columns.includes(name))
  }
}

/** The numbers of columns, by their names. */
export function numbersOf({ columns }: EventTable, names: readonly string[]): number[] {
  return names.map((name) => columns.find((column) => column.name === name)?.id ?? NO_COLUMN)
}

/** An error of a script, with the name of its segment. */
export function inSegment(name: string, error: unknown): unknown {
  if (!(error instanceof Problem) || typeof error.facts.reason !== 'string') return error
  return new Problem(
    error.code,
    { ...error.facts, reason: `Segment '${name}': ${error.facts.reason}` } as never,
    error.more,
  )
}
