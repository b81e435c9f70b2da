import { render } from 'preact';
import { keepSession } from './session.ts';
import { App } from './view/app.tsx';
import './styles.css';

await keepSession();
render(<App />, document.getElementById('app')!);
