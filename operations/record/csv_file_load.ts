import { type Needs, operation } from '../../src/api/index.js'

export default operation('csv_file_load', ({ file_path: path, format, ...load }, { loads }: Needs<'loads'>, call) =>
  loads.startFile({ ...load, format: format ?? (/\.(?:ndjson|jsonl)$/i.test(path) ? 'ndjson' : 'csv') }, path, call),
)
