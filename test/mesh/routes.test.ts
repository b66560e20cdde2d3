import { expect } from 'chai'
import { findLoop, type NodeLinks } from '../../src/mesh/index.js'

const node = (name: string, hubs: string[], leafs: string[], leafOnly = false): NodeLinks => ({
  name,
  hubs,
  leafs,
  leafOnly,
})

describe('the search for loops of routes', () => {
  it('finds none in a mesh, a chain of hubs, or a mesh with edges', () => {
    expect(findLoop([node('a', ['b', 'c'], []), node('b', ['c', 'a'], []), node('c', ['a'], [])])).to.equal(undefined)
    expect(findLoop([node('a', ['b'], []), node('b', [], []), node('e', [], ['a'], true)])).to.equal(undefined)
    expect(findLoop([node('a', [], ['b']), node('b', [], [])])).to.equal(undefined)
  })

  it('finds a leaf that reaches a mesh on two ways', () => {
    expect(findLoop([node('a', ['b'], ['b']), node('b', [], [])])).to.deep.equal({ leaf: 'a', hub: 'b' })
    expect(findLoop([node('a', ['b'], []), node('b', [], []), node('e', [], ['a', 'b'], true)])).to.deep.equal({
      leaf: 'e',
      hub: 'b',
    })
  })

  it('finds leafs that dial the hubs of each other', () => {
    expect(findLoop([node('a', [], ['b']), node('b', [], ['a'])])).to.deep.equal({ leaf: 'b', hub: 'a' })
    expect(findLoop([node('a', [], ['b']), node('b', [], ['c']), node('c', [], ['a'])])).to.deep.equal({
      leaf: 'c',
      hub: 'a',
    })
  })
})
