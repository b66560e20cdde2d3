import type { Population, ScanBlock } from './block.js'
import type { PartialResult, Program, Scan, ScanOptions, TriggerOutcome } from './program.js'
import { Runtime } from './runtime/runtime.js'

type ScanFunction = (
  block: ScanBlock,
  population: Population | undefined,
  members: Population | undefined,
  from: number,
  entry?: number,
) => number

/** Sets a program to work. The only place where text becomes code: text that `compile` made from a closed tree. */
export function createScan(program: Program, options: ScanOptions): Scan {
  return new CompiledScan(program, options)
}

class CompiledScan implements Scan {
  readonly #program: Program
  readonly #runtime: Runtime
  /** A function for every combination of widths: one that sees several is several times slower on all of them. */
  readonly #byWidth = new Map<string, ScanFunction>()

  constructor(program: Program, options: ScanOptions) {
    if (program.setMath) throw new Error('a segment that is computed from others scans nobody')
    this.#program = program
    this.#runtime = new Runtime(program, options)
  }

  run(block: ScanBlock, population?: Population, members?: Population, from = 0): number {
    this.#runtime.beginSlice()
    return this.#scanOf(block)(block, population, members, from)
  }

  #scanOf(block: ScanBlock): ScanFunction {
    const widths = block.columns
      .map((column) => (column && 'codes' in column ? column.codes.BYTES_PER_ELEMENT : 0))
      .join()
    let scan = this.#byWidth.get(widths)
    if (!scan) {
      scan = functionOf(`${this.#program.source}\n// codes of ${widths} bytes`)(this.#runtime, this.#program.constants)
      this.#byWidth.set(widths, scan)
    }
    return scan
  }

  call(block: ScanBlock, entry: string, population?: Population): TriggerOutcome[] {
    const runtime = this.#runtime
    runtime.outcomes = []
    this.#scanOf(block)(block, population, undefined, 0, this.#program.functions.indexOf(entry))
    return runtime.outcomes
  }

  partial(): PartialResult {
    return this.#runtime.partial()
  }
}

/** Programs are kept by their text: V8 need not learn again what it learned of them. */
const made = new Map<string, (rt: Runtime, constants: readonly unknown[]) => ScanFunction>()
const madeMax = 200

function functionOf(source: string): (rt: Runtime, constants: readonly unknown[]) => ScanFunction {
  const known = made.get(source)
  if (known) return known
  const make = new Function('rt', 'K', `'use strict'\n${source}`) as (
    rt: Runtime,
    constants: readonly unknown[],
  ) => ScanFunction
  if (made.size >= madeMax) made.delete(made.keys().next().value!)
  made.set(source, make)
  return make
}
