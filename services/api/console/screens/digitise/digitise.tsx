export default function Digitise() {
  return null;
}
