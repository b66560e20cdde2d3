import { expect } from 'chai'
import fc from 'fast-check'
import { parse } from '../../src/pyql/parser.js'
import { print } from '../../src/pyql/printer.js'
import { oracleColumns, Random, ScriptGenerator } from '../support/pyql-generator.js'

const isColumn = (name: string) => oracleColumns.some((column) => column.name === name)
const parsed = (text: string) => parse(text, new Map(), isColumn)

/** A tree without the places where its nodes stand. */
function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(bare)
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).filter(([name]) => name !== 'start' && name !== 'end')
  return Object.fromEntries(entries.map(([name, value]) => [name, bare(value)]))
}

describe('the printer of PyQL', () => {
  it('gives texts that parse to the same tree', () => {
    const modes = ['event', 'segment', 'histogram'] as const
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(...modes), (seed, mode) => {
        const tree = parsed(new ScriptGenerator(new Random(seed), mode).script())
        expect(bare(parsed(print(tree)))).to.deep.equal(bare(tree))
      }),
      { numRuns: 300 },
    )
  })

  it('keeps every number, whole or not', () => {
    for (const text of ['1', '1.0', '2.50', '123456789012345678901234567890.5', '0.00000000125', '9007199254740991']) {
      const tree = parsed(`x = ${text}\n`)
      expect(bare(parsed(print(tree))), text).to.deep.equal(bare(tree))
    }
  })

  it('keeps every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const constant = { kind: 'constant', type: 'text', value, start: 0, end: 0 } as const
        const target = { kind: 'name', name: 'x', start: 0, end: 0 } as const
        const body = [{ kind: 'assignment', op: '=', target, value: constant, start: 0, end: 0 } as const]
        fc.pre(!/\{\{\s*\w+\s*\}\}/.test(value))
        expect(bare(parsed(print({ aggregates: [], functions: [], body })).body)).to.deep.equal(bare(body))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the parser of PyQL', () => {
  it('answers any text with a tree or with a mistake and its place', () => {
    const words = fc.constantFrom(
      'match',
      'where',
      ':',
      '\n',
      '    ',
      'if',
      '(',
      ')',
      '[',
      ']',
      "'",
      'x',
      '=',
      '1',
      '.',
      ',',
      'tally',
      '\\',
      '{{',
      '}}',
      '-',
      'not',
      'in',
      'SUM',
      'agg',
      '@',
      '\u{1d4b3}',
    )
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), (parts) => {
        try {
          parsed(parts.join(' ').replaceAll('\n ', '\n'))
        } catch (error) {
          expect(error).to.have.property('name', 'PyqlError')
          expect(error).to.have.nested.property('place.line').that.is.above(0)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
