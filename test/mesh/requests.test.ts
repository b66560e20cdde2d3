import { expect } from 'chai'
import type { Msg } from 'nats'
import { Problem } from '../../src/lib/index.js'
import { Mesh } from '../../src/mesh/index.js'
import { eventually } from '../support/eventually.js'
import { intruderOn, meshOptions, type RememberedLog, withFolder, withMeshes } from '../support/mesh.js'

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'it resolved',
    (error: Problem) => error.code,
  )

describe('requests between nodes', () => {
  it('bring an answer, a Problem, or say that nobody is there', async () => {
    await withMeshes(['a', 'b'], async ([a, b]) => {
      a!.requests.serve('echo', async (body) => body)
      a!.requests.serve('refuse', async () => {
        throw new Problem('too_many_routes', { most: 3 })
      })
      a!.requests.serve('break', async () => {
        throw new Error('the inside of it')
      })
      a!.requests.serve('sleep', () => new Promise(() => {}))
      await eventually('b reaches a', () =>
        b!.requests.hello('a', 500).then(
          () => true,
          () => false,
        ),
      )
      expect(await b!.requests.ask('a', 'echo', { deep: [1, 'two', null] }, 1_000)).to.deep.equal({
        deep: [1, 'two', null],
      })
      expect(await codeOf(b!.requests.ask('a', 'refuse', null, 1_000))).to.equal('too_many_routes')
      expect(await codeOf(b!.requests.ask('a', 'break', null, 1_000))).to.equal('node_failed')
      expect(await codeOf(b!.requests.ask('a', 'sleep', null, 200))).to.equal('node_silent')
      expect(await codeOf(b!.requests.ask('a', 'unknown', null, 1_000))).to.equal('node_method_unknown')
      expect(await codeOf(b!.requests.ask('nobody', 'echo', null, 1_000))).to.equal('node_unreachable')
    })
  })

  it('that are made at once, before the nodes know each other, are all answered', async () => {
    await withMeshes(['a', 'b'], async ([a, b]) => {
      a!.requests.serve('echo', async (body) => body)
      const ask = (body: number) => b!.requests.ask('a', 'echo', body, 20_000)
      await eventually('a is in reach', async () => (await b!.requests.discover(100)).includes('a'))
      for (let turn = 0; turn < 20; turn++) {
        b!.requests.forget('a')
        if (turn % 2 === 0) a!.requests.forget('b')
        expect(await Promise.all([1, 2, 3, 4, 5].map(ask))).to.deep.equal([1, 2, 3, 4, 5])
      }
    })
  })

  it('wait as long as each says, whoever asked before', async () => {
    await withMeshes(['a', 'b'], async ([a, b]) => {
      await eventually('a is in reach', async () => (await b!.requests.discover(100)).includes('a'))
      a!.requests.ban('b')
      let isOver = false
      const patient = codeOf(b!.requests.hello('a', 5_000)).finally(() => {
        isOver = true
      })
      expect(await codeOf(b!.requests.hello('a', 200))).to.equal('node_silent')
      expect(isOver, 'the patient one').to.equal(false)
      a!.requests.forget('b')
      expect(await codeOf(b!.requests.hello('a', 30_000))).to.equal('it resolved')
      expect(await patient).to.equal('node_silent')
    })
  })

  it('bring answers that are larger than a message', async () => {
    await withMeshes(['a', 'b'], async ([a, b]) => {
      const large = { text: 'a "quoted" word and ünïcödé '.repeat(300_000) }
      a!.requests.serve('large', async () => large)
      await eventually('b reaches a', () =>
        b!.requests.hello('a', 500).then(
          () => true,
          () => false,
        ),
      )
      expect(await b!.requests.ask('a', 'large', null, 60_000)).to.deep.equal(large)
    })
  })

  it('go on after the other node was started again', async () => {
    await withFolder(async (folder) => {
      const options = await meshOptions('a', folder)
      let a = await Mesh.start(options)
      const b = await Mesh.start(await meshOptions('b', folder))
      try {
        await b.setRoutes('hub', [{ host: '127.0.0.1', port: options.hub!.clusterPort }])
        await eventually('b reaches a', () =>
          b.requests.hello('a', 500).then(
            () => true,
            () => false,
          ),
        )
        await a[Symbol.asyncDispose]()
        a = await Mesh.start(options)
        a.requests.serve('echo', async (body) => body)
        await eventually('it answers again', () =>
          b.requests.ask('a', 'echo', 1, 500).then(
            () => true,
            () => false,
          ),
        )
      } finally {
        await b[Symbol.asyncDispose]()
        await a[Symbol.asyncDispose]()
      }
    })
  })

  it('are taken once, and only from who signed them', async () => {
    await withMeshes(['a', 'b'], async ([a, b], [options]) => {
      let taken = 0
      a!.requests.serve('count', async () => ++taken)
      const intruder = await intruderOn(options!.folder)
      const seen: Msg[] = []
      intruder.subscribe('rpc.a.count', { callback: (_, message) => void seen.push(message) })
      await intruder.flush()
      await eventually('b reaches a', () =>
        b!.requests.hello('a', 500).then(
          () => true,
          () => false,
        ),
      )
      expect(await b!.requests.ask('a', 'count', null, 20_000)).to.equal(1)
      await eventually('the intruder saw it', () => seen.length === 1)
      const { data, headers } = seen[0]!
      const again = (bytes: Uint8Array, timeout = 200) =>
        intruder.request('rpc.a.count', bytes, { timeout, ...(headers ? { headers } : {}) }).then(
          () => 'answered',
          () => 'no answer',
        )
      expect(await again(data)).to.equal('no answer')
      expect(
        await again(Buffer.from(Buffer.from(data).toString().replace('"from":"b"', '"from":"c"')), 20_000),
      ).to.equal('answered')
      expect(await again(Buffer.from('{"from":'))).to.equal('no answer')
      expect(await again(Buffer.from('null'))).to.equal('no answer')
      await eventually('three are refused', () => a!.requests.refusals >= 3)
      expect(a!.requests.refusals).to.equal(3)
      expect(taken).to.equal(1)
      expect((options!.log as RememberedLog).lines.filter((line) => line.includes('refused a message'))).to.have.length(
        3,
      )
      await intruder.close()
    })
  })

  it('are not answered by somebody else', async () => {
    await withMeshes(['a', 'b'], async ([a, b], [options]) => {
      a!.requests.serve('slow', () => new Promise((resolve) => setTimeout(resolve, 300, 'the truth')))
      await eventually('b reaches a', () =>
        b!.requests.hello('a', 500).then(
          () => true,
          () => false,
        ),
      )
      const intruder = await intruderOn(options!.folder)
      intruder.subscribe('rpc.a.slow', {
        callback: (_, message) => {
          const { id } = JSON.parse(message.string())
          message.respond(JSON.stringify({ id, from: 'a', body: 'a lie' }))
        },
      })
      await intruder.flush()
      await eventually(
        'the interest of the intruder is known',
        async () => (await codeOf(b!.requests.ask('a', 'slow', null, 1_000))) === 'node_answer_refused',
      )
      await intruder.close()
    })
  })

  it('end for a node that was removed, at once', async () => {
    await withMeshes(['a', 'b'], async ([a, b]) => {
      a!.requests.serve('echo', async (body) => body)
      await eventually('b reaches a', () =>
        b!.requests.hello('a', 500).then(
          () => true,
          () => false,
        ),
      )
      a!.requests.ban('b')
      expect(await codeOf(b!.requests.ask('a', 'echo', 1, 300))).to.equal('node_silent')
      expect(await codeOf(b!.requests.hello('a', 300))).to.equal('node_silent')
    })
  })

  it('keep a name for the key that used it first', async () => {
    await withMeshes(['a', 'b'], async ([a, b]) => {
      await eventually('b reaches a', () =>
        b!.requests.hello('a', 500).then(
          () => true,
          () => false,
        ),
      )
      a!.requests.ban('b')
      a!.requests.trust('b', a!.identity.publicKey) // What a remembers of b is another key than b's.
      expect(await codeOf(b!.requests.hello('a', 20_000))).to.equal('node_name_taken')
      expect(a!.requests.refusals).to.be.above(0)
      expect(a!.requests.keyOf('b')!.text).to.equal(a!.identity.publicKey)
      b!.requests.forget('a')
      b!.requests.trust('a', b!.identity.publicKey)
      a!.requests.forget('b')
      expect(await codeOf(b!.requests.hello('a', 20_000))).to.equal('node_identity_changed')
    })
  })
})
