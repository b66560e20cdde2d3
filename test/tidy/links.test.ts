import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'

describe('the documents', () => {
  it('link only to files that are there', () => {
    const documents = [...readdirSync('.').filter((name) => name.endsWith('.md')), ...walk('docs'), ...walk('src')]
    for (const document of documents.filter((name) => name.endsWith('.md')))
      for (const [, link] of readFileSync(document, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g))
        expect(existsSync(join(dirname(document), link!)), `${document} links to ${link}`).to.equal(true)
  })
})

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`
    return statSync(path).isDirectory() ? walk(path) : [path]
  })
}
