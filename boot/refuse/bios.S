# SPDX-License-Identifier: Apache-2.0
# What a BIOS runs when a machine is started from our medium the old way: a sentence instead of a
# hang. The same bytes stand in the master boot record of a stick (loaded to 0:7c00), behind the
# parameter block of the FAT image (7c3e) and in the boot image of a CD (07c0:0 with some firmware),
# so the code finds its text relative to itself. It waits for a key, ten minutes at most, and lets
# the BIOS go on with the next device (interrupt 18h, BIOS Boot Specification 1.01, 6.5).
# At most 384 bytes: in the FAT image mformat's own entry of a partition table follows, by which
# U-Boot finds the file system; a master boot record would leave 440.

        .code16
        .set    TICKS_10_MINUTES, 10923         # of 54.9 ms (interrupt 1Ah)

        .globl  start
start:
        cld
        xor     %ax, %ax
        mov     %ax, %ss
        mov     $0x7c00, %sp
        call    here
here:
        pop     %si
        add     $(text - here), %si
        push    %cs
        pop     %ds
print:
        lodsb
        test    %al, %al
        jz      printed
        mov     $0x0e, %ah                      # teletype output, page 0
        mov     $0x0007, %bx
        int     $0x10
        jmp     print
printed:
        sti
        xor     %ah, %ah
        int     $0x1a                           # ticks since midnight: CX:DX
        mov     %dx, %di
wait:
        mov     $0x01, %ah                      # a key in the buffer?
        int     $0x16
        jnz     pressed
        hlt
        xor     %ah, %ah
        int     $0x1a
        sub     %di, %dx
        cmp     $TICKS_10_MINUTES, %dx
        jb      wait
        jmp     next
pressed:
        xor     %ah, %ah                        # take it, so that the next program does not get it
        int     $0x16
next:
        int     $0x18
stop:
        hlt
        jmp     stop

text:
        .ascii  "\r\nBootferry: this machine was started by BIOS, and Bootferry needs UEFI.\r\n"
        .ascii  "Choose this medium's UEFI entry in the boot menu, or switch to UEFI in setup.\r\n"
        .ascii  "A machine without UEFI: start a Linux there and use bootferry-push.\r\n"
        .asciz  "Any key: next boot device.\r\n"

        .org    384                             # an error here: the text is too long
        .org    510
        .byte   0x55, 0xaa
