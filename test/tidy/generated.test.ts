import { expect } from 'chai'

describe('the generated files', () => {
  it('equal their sources', async () => {
    const script = new URL('../../../scripts/generate.mjs', import.meta.url).href
    const { differences } = (await import(script)) as { differences(): Promise<string[]> }
    expect(await differences(), 'run npm run generate').to.deep.equal([])
  })
})
