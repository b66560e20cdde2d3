import { spawn } from 'node:child_process'

/**
 * Runs a program that writes the number of what is acknowledged, a line for each, and kills it `lifeMs` after the
 * first, not before there are `least`; answers the numbers.
 */
export async function runAndKill(
  program: string,
  args: readonly string[],
  { lifeMs, least }: { lifeMs: number; least: number },
): Promise<number[]> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  let isOver = false
  const look = () => {
    if (isOver && text.split('\n').length > least) child.kill('SIGKILL')
  }
  const end = () => {
    isOver = true
    look()
  }
  child.stdout.on('data', (chunk: Buffer) => {
    if (text === '') setTimeout(end, lifeMs)
    text += chunk.toString()
    look()
  })
  await new Promise((resolve) => child.once('close', resolve))
  return text.split('\n').slice(0, -1).map(Number)
}
