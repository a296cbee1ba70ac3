// Asks the one function of such an image. It is compiled without the library.
bool ASKED();

int main() { return ASKED() ? 0 : 1; }
