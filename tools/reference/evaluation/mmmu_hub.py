"""Made for this project: four questions in the columns of MMMU on the Hub, images of one colour."""
import io, sys
import pyarrow as pa, pyarrow.parquet as pq
from PIL import Image
def png(color, size=(24, 16)):
    out = io.BytesIO(); Image.new('RGB', size, color).save(out, 'PNG'); return out.getvalue()
def image(color): return None if color is None else {'bytes': png(color), 'path': f'{color}.png'}
rows = [
  dict(id='validation_Art_1', question='<image 1> Which color is this?', options="['red', 'green', \"it's blue\", '50%']", answer='A', question_type='multiple-choice', images=['red']),
  dict(id='validation_Art_2', question='Which of these is green? <image 1> <image 2>', options="['<image 3>', '<image 1>', '<image 2>']", answer='C', question_type='multiple-choice', images=['red', 'green', 'blue']),
  dict(id='validation_Math_1', question='How many corners are in <image 1>?', options='[]', answer='4', question_type='open', images=['white']),
  dict(id='validation_Math_2', question='What is half of <image 1>?', options='[]', answer="['0.5', '1/2']", question_type='open', images=['black']),
]
t = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
cols = {k: pa.array([r[k] for r in rows], pa.string()) for k in ['id', 'question', 'options', 'answer', 'question_type']}
cols['explanation'] = pa.array([''] * 4)
for n in range(7):
    cols[f'image_{n+1}'] = pa.array([image(r['images'][n]) if n < len(r['images']) else None for r in rows], t)
cols['img_type'] = pa.array(["['Drawings']"] * 4)
pq.write_table(pa.table(cols), sys.argv[1], compression='snappy')
