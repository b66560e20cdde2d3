import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { type Contract, readContracts } from '../../src/contracts/index.js'

type Replies = Record<string, Record<string, unknown>>

/** What a node has answered to the examples of problems: operation → title → answer. The Postman collection shows it. */
const FILE = 'schemas/problem-replies.json'
const saved = JSON.parse(readFileSync(FILE, 'utf8')) as Replies
const recorded: Replies = {}
const isRecording = process.env['RECORD'] === 'replies'

/** A node's answer to an example of a problem is the saved one. `RECORD=replies` saves it. */
export function checkReply({ operation }: Contract, title: string, reply: unknown): void {
  const known = saved[operation]?.[title]
  if (!isRecording) {
    const how = 'RECORD=replies npx mocha dist/test/operations/{examples,mesh}.test.js saves what a node answers'
    expect(reply, `${operation}: ${title}: ${how}`).to.deep.equal(known)
    return
  }
  recorded[operation] ??= {}
  recorded[operation][title] = reply
}

/** Writes what was recorded, in the order of the contracts, and forgets what no contract has. */
export function saveReplies(): void {
  if (!isRecording) return
  const all: Replies = {}
  for (const { operation, examples } of readContracts())
    for (const { title } of examples.filter(({ problem }) => problem !== undefined)) {
      const reply = recorded[operation]?.[title] ?? saved[operation]?.[title]
      all[operation] ??= {}
      if (reply !== undefined) all[operation][title] = reply
    }
  Object.assign(saved, all)
  writeFileSync(FILE, `${JSON.stringify(all, null, 2)}\n`)
}
