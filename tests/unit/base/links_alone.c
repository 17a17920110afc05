/* Linked with all of base and nothing above it: an upward call is an undefined symbol. */
int main(void)
{
    return 0;
}
