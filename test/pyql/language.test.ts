import { expect } from 'chai'
import { parametersOf, type TableColumn } from '../../src/pyql/index.js'
import type { Person } from '../support/pyql-people.js'
import { runEvents } from '../support/pyql-run.js'

const columns: readonly TableColumn[] = [
  { name: 'word', type: 'text', isSet: false },
  { name: 'n', type: 'int', isSet: false },
  { name: 'x', type: 'double', isSet: false },
  { name: 'yes', type: 'bool', isSet: false },
  { name: 'words', type: 'text', isSet: true },
]
const hour = 3_600_000
const start = Date.UTC(2024, 1, 29, 22, 30) // a Thursday
const row = (at: number, action: string, cells: Person['rows'][number]['cells']) => ({
  stamp: start + at * hour,
  action,
  cells,
})
const one: Person = {
  id: 'one',
  rows: [
    row(0, 'a', { word: 'pear', n: 1, x: 1.5, yes: true, words: ['u', 'v', 'u'] }),
    row(0, 'b', { word: 'fig', n: 2, x: 2.5 }),
    row(1, 'a', { n: 3, x: 4, yes: false, words: ['v'] }),
    row(30, 'c', { word: 'pear', n: 4 }),
  ],
}

/** What debug() was given for one person. */
function values(script: string, fields: [string, unknown][] = []): unknown[] {
  return runEvents(`${script}\n`, [one], { columns, parameters: parametersOf(fields) }).debug
}

const expressions: [string, unknown][] = [
  ['10 - 3 - 2', 5],
  ['2 + 3 * 4', 14],
  ['-2 * -3', 6],
  ['-7 / 2', -3],
  ['x / 2', 0.75],
  ['n / 0', 0],
  ['1 < 2 and not 2 < 1 or 1 == 2', true],
  ['5 -3', 2],
  ['30s', 30],
  ['MAX event_time == last_event and MIN event_time == MIN __stamp', true],
  ['1d', 86400],
  ['2 hours + 1', 7_200_001],
  ['None + 1', null],
  ["'a' + None", null],
  ["'ab' * 2", 2],
  ["'10' > 9", true],
  ["'b' > 'a'", true],
  ['True + True', 2],
  ["True == 'true'", true],
  ['words', ['u', 'v']],
  ["words == 'v'", true],
  ["words in ['z', 'u']", true],
  ["'z' not in words", true],
  ['[1, 2] == [1, 2.0]', true],
  ['set(1, 2) == set(2, 1)', true],
  ["{'a': [1]} == {'a': [1]}", true],
  ['[1, 2] + 3', [1, 2, 3]],
  ['[1, 2] + [3]', [1, 2, [3]]],
  ['set(1) + [2, 1]', [1, 2]],
  ['[1, 2, 1] - 1', [2, 1]],
  ["{'a': 1, 'b': 2} - ['a']", { b: 2 }],
  ['[1, 2, 3][-1]', 3],
  ['[1, 2, 3][5]', null],
  ['[1, 2, 3][1:]', [2, 3]],
  ["'hello'[-3:-1]", 'll'],
  ["'a,b,'.split(',')", ['a', 'b']],
  ["'banana'.find('an', 2)", 3],
  ["'banana'.rfind('an')", 3],
  ["'  x '.strip()", 'x'],
  ["len('\u{1f98a}é東')", 3],
  ["'\u{1f98a}\u{1f43b}x'[0] + '\u{1f98a}\u{1f43b}x'[-2]", '\u{1f98a}\u{1f43b}'],
  ["'\u{1f98a}\u{1f43b}x'[1:]", '\u{1f43b}x'],
  ["'x\u{1f98a}\u{1f43b}'[-1:9]", '\u{1f43b}'],
  ["'\u{1f98a}n\u{1f43b}n'.find('n')", 1],
  ["'\u{1f98a}n\u{1f43b}n'.find('n', 2, 4)", 3],
  ["'\u{1f98a}n\u{1f43b}n'.find('n', 2, 3)", -1],
  ["'\u{1f98a}n\u{1f43b}n'.rfind('n')", 3],
  ['round(-2.5)', -3],
  ['round(9007199254740991)', 9007199254740991],
  ['round(0.49999999999999994)', 0],
  ['round(2.345, 2)', 2.35],
  ['fix(0.015, 2)', '0.02'],
  ['bucket(-7.5, 2)', -6],
  ['bucket(0.3, 0.1)', 0.3],
  ["bucket(date_day('2024-03-02') - 1, 1 day)", Date.UTC(2024, 2, 1)],
  ['bucket(1700000000.999, 1)', 1_700_000_000],
  ['bucket(-9007199254740991, 100)', -9007199254740900],
  ['bucket(9007199254740991, 0.5)', 9007199254740991],
  ["int('12.9')", 12],
  ["float('no')", 0],
  ['str(1.0) + str(True) + str(None)', '1trueNone'],
  ['len([1, [2, 3]])', 2],
  ['to_hours(last_event - first_event)', 30],
  ['get_day_of_week(event_time)', 5],
  ['get_day_of_year(event_time)', 60],
  ['get_hour(event_time)', 22],
  ['get_quarter(event_time)', 1],
  ['get_year(event_time)', 2024],
  ["get_year('2016-03-24T12:00:30Z')", 2016],
  ["get_year('1965-05-05')", 1965],
  ["get_year('1970-01-' + 10)", 1970],
  ["get_year(date_year('1965-05-05'))", 1965],
  ['get_year(1458820830)', 2016],
  ["date_day('2016-03-24T12:00:30+13:00')", Date.UTC(2016, 2, 23)],
  ["get_month('2016-0' + 3 + '-24')", 3],
  ["get_hour('7200' + '000')", 2],
  ["get_hour('not a' + ' date')", null],
  ["date_day('2026-02-' + '30')", null],
  ['date_month(event_time)', Date.UTC(2024, 1, 1)],
  ['date_week(event_time)', Date.UTC(2024, 1, 25)],
  ['date_quarter(event_time)', Date.UTC(2024, 0, 1)],
  ['date_hour(event_time)', Date.UTC(2024, 1, 29, 22)],
  ['event_count()', 4],
  ['session_count', 3],
  ['person', 'one'],
  ['SUM n', 10],
  ['AVG x', 8 / 3],
  ['MIN word', 'fig'],
  ['MAX n where word == None', 3],
  ['MIN n where n > 9', null],
  ['COUNT words', 2],
  ['DISTINCT words', 2],
  ['DISTINCT word where yes != False', 2],
  ['SUM n with action where n < 4', 6],
]

const scripts: [string, string, unknown[]][] = [
  ['restores the position after a match', 'match:\n    a = n\ndebug(n)\ndebug(a)', [1, 4]],
  ['begins a nested match at the current row', 'c = 0\nmatch:\n    match:\n        c += 1\ndebug(c)', [10]],
  [
    'begins a nested match where the body has gone',
    'c = 0\nmatch:\n    iter_next()\n    match:\n        c += 1\ndebug(c)',
    [6],
  ],
  [
    'reads what is changed before what it is changed by',
    'def f:\n    d["a"] = 10\n    v = 10\n    return 1\nd = {"a": 1}\nd["a"] += f()\ndebug(d["a"])\nv = 1\nv += f()\ndebug(v)',
    [2, 2],
  ],
  ['limits matches', 'match 2 where n > 1:\n    debug(n)', [2, 3]],
  ['walks backward', 'iter_move_last()\nreverse_match 2 where word == "pear":\n    debug(n)', [4, 1]],
  [
    'ends the innermost loop when there is no next row',
    'c = 0\nmatch:\n    iter_next()\n    iter_next()\n    c += 1\ndebug(c)',
    [2],
  ],
  ['ends the script when there is no row to go to', 'iter_prev()\ndebug(1)', []],
  [
    'leaves several loops',
    'match:\n    match:\n        match:\n            debug(n)\n            break 2\n    debug(0)',
    [1, 0, 2, 0, 3, 0, 4, 0],
  ],
  [
    'leaves all loops but the outermost',
    'match:\n    match:\n        match:\n            break top\n    debug(n)',
    [1, 2, 3, 4],
  ],
  ['leaves all loops', 'match:\n    match:\n        break all\n    debug(1)\ndebug(2)', [2]],
  ['goes on with the next', 'match:\n    if n == 2:\n        continue\n    debug(n)', [1, 3, 4]],
  [
    'tells the stamps of matches',
    `match where n == 2:\n    match where iter_within(1 hours, prev_match):\n        debug((first_match - ${start}) / 1000)`,
    [0, 0],
  ],
  [
    'tells the stamp of the match before',
    'match where n == 1:\n    debug(event_time - prev_match)\n    match where n == 3:\n        debug(to_hours(event_time - prev_match))\n        match where event_time - prev_match == 29 hours:\n            debug(to_hours(event_time - prev_match))\n            debug(to_hours(event_time - first_match))\ndebug(prev_match)',
    [0, 1, 29, 30, 0],
  ],
  ['asks for times', "match where iter_between('2024-03-01', '2024-03-03T00:00:00Z'):\n    debug(n)", [4]],
  ['numbers sessions', 'match:\n    debug(session)', [1, 1, 2, 3]],
  [
    'keeps parameters of functions local, variables global',
    'def f(a):\n    a += 1\n    b = a\n    return a\na = 1\ndebug(f(5))\ndebug(a)\ndebug(b)',
    [6, 1, 6],
  ],
  [
    'changes containers in place',
    "d = {}\nd['a']['b'] = 1\nd['a']['b'] += 1\nl = [3]\nm = l\nm += 4\ndebug(d)\ndebug(l)\ndel d['a']\ndebug(len(d))",
    [{ a: { b: 2 } }, [3, 4], 0],
  ],
  ['goes through dictionaries', "for k, v in {'a': 1, 'b': 2}:\n    debug(k + str(v))", ['a1', 'b2']],
  ['takes the elements of a set column once', 'for w in words:\n    debug(w)', ['u', 'v']],
  ['ends a person', 'match:\n    if n == 2:\n        exit\n    debug(n)', [1]],
  [
    'reads long lines',
    'debug(1 + \\\n    2)\ndebug([1,\n  2])\nif n == 1 and\n        yes:\n    debug(3)',
    [3, [1, 2], 3],
  ],
]

describe('PyQL', () => {
  for (const [expression, value] of expressions) {
    it(`computes ${expression}`, () => {
      expect(values(`debug(${expression})`)).to.deep.equal([value])
      // The same with a value of unknown type in the way.
      expect(values(`v = [${expression}]\ndebug(v[0])`)).to.deep.equal([value])
    })
  }

  for (const [title, script, debugged] of scripts) {
    it(title, () => {
      expect(values(script)).to.deep.equal(debugged)
    })
  }

  it('takes parameters as values, as columns, and never as code', () => {
    const script = 'match where word == {{w}} and n >= {{n}}:\n    debug({{c}})'
    const fields: [string, unknown][] = [
      ['str_w', 'pear'],
      ['int_n', '2'],
      ['str_c', 'n'],
    ]
    expect(values(script, fields)).to.deep.equal([4])
    expect(values('debug({{s}})', [['str_s', "'); exit #\n"]])).to.deep.equal(["'); exit #\n"])
    expect(
      values("debug('<{{s}}>')\ndebug({{b}})\ndebug({{d}})", [
        ['str_s', "it's"],
        ['bool_b', 'false'],
        ['dbl_d', '-1.5'],
      ]),
    ).to.deep.equal(["<it's>", false, -1.5])
  })

  it('counts each row once in each group, people once, and keys once for each stamp', () => {
    const script =
      'agg:\n    person\n    count word\n    sum n with action as by\n    sum n as twice all\n    count session\nmatch:\n    tally(1)\n    tally(1)'
    expect(runEvents(`${script}\n`, [one], { columns }).reply).to.deep.equal({ _: [{ g: 1, c: [1, 3, 10, 20, 3] }] })
  })

  it('adds doubles to the same sum in any order', () => {
    const people = Array.from(
      { length: 200 },
      (_, i): Person => ({ id: i, rows: [row(0, 'a', { x: (i % 7) / 10 + i / 3 })] }),
    )
    const script = 'agg:\n    sum x\n    avg x as mean\nmatch:\n    tally("all")\n'
    const sum = (ordered: Person[]) => runEvents(script, ordered, { columns }).reply
    expect(sum([...people].reverse())).to.deep.equal(sum(people))
    expect(sum([...people.slice(77), ...people.slice(0, 77)])).to.deep.equal(sum(people))
  })

  it('sorts by an aggregate or by the key, breaks ties by the key, and trims every list', () => {
    const script = 'agg:\n    count word as words\n    sum n\nmatch:\n    tally(action, n)\n'
    const groups = (reply: object) => runEvents(script, [one], { columns, reply }).reply._.map(({ g }) => g)
    expect(groups({})).to.deep.equal(['a', 'b', 'c'])
    expect(groups({ sort: 'n' })).to.deep.equal(['a', 'c', 'b'])
    expect(groups({ sort: 'key', order: 'desc' })).to.deep.equal(['c', 'b', 'a'])
    expect(runEvents(script, [one], { columns, reply: { trim: 1 } }).reply).to.deep.equal({
      _: [{ g: 'a', c: [1, 4], _: [{ g: 1, c: [1, 1] }] }],
    })
    expect(() => groups({ sort: 'word' })).to.throw("Did you mean 'words'?")
  })

  it('takes the sets of rows of one event once for each value of a key', () => {
    const order = (n: number, nums: number[]) => row(0, 'order', { n, nums })
    const rows = [order(1, []), order(1, [7, 1]), order(1, [7, 1]), order(2, [5])]
    const script =
      'debug(SUM nums)\ndebug(SUM nums with n)\ndebug(SUM nums with n all)\ndebug(AVG nums with n)\ndebug(COUNT nums with n)\n'
    const all = [...columns, { name: 'nums', type: 'int', isSet: true } as const]
    const { debug } = runEvents(script, [{ id: 'two', rows }], { columns: all })
    expect(debug).to.deep.equal([21, 13, 21, 13 / 3, 2])
  })
})
