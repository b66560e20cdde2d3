import type { ChildProcess } from 'node:child_process'

/**
 * The line by which a server says that it is ready.
 * @throws Error the server ended before
 */
export function ready(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    server.stdout!.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    server.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready`)))
  })
}
