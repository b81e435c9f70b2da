import { render } from 'preact';
import { App } from './view/app.tsx';
import './styles.css';

render(<App />, document.getElementById('app')!);
